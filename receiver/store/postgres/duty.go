// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// AcquireLeadership implements store.Store.
func (s *Store) AcquireLeadership(ctx context.Context, duty, holder string, now, until time.Time) (held bool, note []byte, err error) {
	if err := store.ValidateDuty(duty, holder, nil); err != nil {
		return false, nil, fmt.Errorf("take a duty: %w", err)
	}

	var taken int64

	err = s.write(ctx, func(_ context.Context, t *tx) error {
		t.count(&taken, `
			INSERT INTO duties AS d (duty, holder, until) VALUES ($1, $2, $3)
			ON CONFLICT (duty) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE d.holder = excluded.holder OR d.until <= $4`,
			duty, holder, until.UnixMilli(), now.UnixMilli())
		t.query("SELECT note FROM duties WHERE duty = $1", func(rows pgx.Rows) error { return rows.Scan(&note) }, duty)

		return nil
	})
	if err != nil {
		return false, nil, fmt.Errorf("take a duty: %w", err)
	}

	return taken > 0, note, nil
}

// PublishState implements store.Store.
func (s *Store) PublishState(ctx context.Context, duty, holder string, note []byte) error {
	if err := store.ValidateDuty(duty, holder, note); err != nil {
		return fmt.Errorf("note a duty: %w", err)
	}

	var noted int64

	err := s.write(ctx, func(_ context.Context, t *tx) error {
		t.count(&noted, "UPDATE duties SET note = $3 WHERE duty = $1 AND holder = $2", duty, holder, note)
		return nil
	})
	if err == nil && noted == 0 {
		err = store.ErrLeaseLost
	}

	if err != nil {
		return fmt.Errorf("note a duty: %w", err)
	}

	return nil
}
