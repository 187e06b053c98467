// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// AcquireLeadership implements store.Elections.
func (s *Store) AcquireLeadership(ctx context.Context, job, holder string, now, until time.Time) (held bool, state []byte, err error) {
	if err := store.ValidateLeadership(job, holder, nil); err != nil {
		return false, nil, fmt.Errorf("acquire leadership: %w", err)
	}

	err = s.writer.do(ctx, func(t *tx) error {
		changed, err := t.exec(`
			INSERT INTO duties (duty, holder, until, set_at) VALUES (?1, ?2, ?3, ?4)
			ON CONFLICT (duty) DO UPDATE SET holder = excluded.holder, until = excluded.until, set_at = excluded.set_at
			WHERE holder = excluded.holder OR until <= ?4`,
			job, holder, until.UnixMilli(), now.UnixMilli())
		if err != nil {
			return err
		}

		held = changed > 0

		return t.query("SELECT note FROM duties WHERE duty = ?", func(r row) error {
			state = r.blob(0)
			return nil
		}, job)
	})
	if err != nil {
		return false, nil, fmt.Errorf("acquire leadership: %w", err)
	}

	return held, state, nil
}

// PublishState implements store.Elections.
func (s *Store) PublishState(ctx context.Context, job, holder string, state []byte) error {
	if err := store.ValidateLeadership(job, holder, state); err != nil {
		return fmt.Errorf("publish a leader's state: %w", err)
	}

	err := s.writer.do(ctx, func(t *tx) error {
		changed, err := t.exec("UPDATE duties SET note = ? WHERE duty = ? AND holder = ?", state, job, holder)
		if err == nil && changed == 0 {
			err = store.ErrLeaseLost
		}

		return err
	})
	if err != nil {
		return fmt.Errorf("publish a leader's state: %w", err)
	}

	return nil
}
