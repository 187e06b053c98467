// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// AcquireLeadership implements store.Store.
func (s *Store) AcquireLeadership(ctx context.Context, duty, holder string, now, until time.Time) (held bool, note []byte, err error) {
	if err := store.ValidateDuty(duty, holder, nil); err != nil {
		return false, nil, fmt.Errorf("take a duty: %w", err)
	}

	err = s.writer.do(ctx, func(t *tx) error {
		taken, err := t.exec(`
			INSERT INTO duties (duty, holder, until) VALUES (?1, ?2, ?3)
			ON CONFLICT (duty) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE holder = excluded.holder OR until <= ?4`,
			duty, holder, until.UnixMilli(), now.UnixMilli())
		if err != nil {
			return err
		}

		held = taken > 0

		return t.query("SELECT note FROM duties WHERE duty = ?", func(r row) error {
			note = r.blob(0)
			return nil
		}, duty)
	})
	if err != nil {
		return false, nil, fmt.Errorf("take a duty: %w", err)
	}

	return held, note, nil
}

// PublishState implements store.Store.
func (s *Store) PublishState(ctx context.Context, duty, holder string, note []byte) error {
	if err := store.ValidateDuty(duty, holder, note); err != nil {
		return fmt.Errorf("note a duty: %w", err)
	}

	err := s.writer.do(ctx, func(t *tx) error {
		noted, err := t.exec("UPDATE duties SET note = ? WHERE duty = ? AND holder = ?", note, duty, holder)
		if err == nil && noted == 0 {
			err = store.ErrLeaseLost
		}

		return err
	})
	if err != nil {
		return fmt.Errorf("note a duty: %w", err)
	}

	return nil
}
