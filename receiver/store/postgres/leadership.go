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

// AcquireLeadership implements store.Elections.
func (s *Store) AcquireLeadership(ctx context.Context, job, holder string, now, until time.Time) (held bool, state []byte, err error) {
	if err := store.ValidateLeadership(job, holder, nil); err != nil {
		return false, nil, fmt.Errorf("acquire leadership: %w", err)
	}

	var changed int64

	err = s.write(ctx, func(_ context.Context, t *tx) error {
		t.execCount(&changed, `
			INSERT INTO duties AS d (duty, holder, until, set_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (duty) DO UPDATE SET holder = excluded.holder, until = excluded.until, set_at = excluded.set_at
			WHERE d.holder = excluded.holder OR d.until <= $4`,
			job, holder, until.UnixMilli(), now.UnixMilli())
		t.query("SELECT note FROM duties WHERE duty = $1", func(rows pgx.Rows) error { return rows.Scan(&state) }, job)

		return nil
	})
	if err != nil {
		return false, nil, fmt.Errorf("acquire leadership: %w", err)
	}

	return changed > 0, state, nil
}

// PublishState implements store.Elections.
func (s *Store) PublishState(ctx context.Context, job, holder string, state []byte) error {
	if err := store.ValidateLeadership(job, holder, state); err != nil {
		return fmt.Errorf("publish a leader's state: %w", err)
	}

	var changed int64

	err := s.write(ctx, func(_ context.Context, t *tx) error {
		t.execCount(&changed, "UPDATE duties SET note = $3 WHERE duty = $1 AND holder = $2", job, holder, state)
		return nil
	})
	if err == nil && changed == 0 {
		err = store.ErrLeaseLost
	}

	if err != nil {
		return fmt.Errorf("publish a leader's state: %w", err)
	}

	return nil
}
