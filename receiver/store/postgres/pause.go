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

// SetPause implements store.Pauser.
func (s *Store) SetPause(ctx context.Context, pause store.Pause, now time.Time) error {
	if err := pause.Validate(); err != nil {
		return fmt.Errorf("pause a scope: %w", err)
	}

	err := s.write(ctx, func(_ context.Context, t *tx) error {
		t.exec(`
			INSERT INTO pauses AS p (scope, until, level, code, set_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (scope) DO UPDATE SET
				until = CASE WHEN p.until > $5::bigint THEN greatest(p.until, excluded.until) ELSE excluded.until END,
				level = CASE WHEN p.until > $5::bigint THEN greatest(p.level, excluded.level) ELSE excluded.level END,
				code = CASE WHEN p.until > $5::bigint AND p.until >= excluded.until THEN p.code ELSE excluded.code END,
				set_at = excluded.set_at`,
			pause.Scope, pause.Until.UnixMilli(), pause.Level, pause.Code, now.UnixMilli())

		return nil
	})
	if err != nil {
		return fmt.Errorf("pause a scope: %w", err)
	}

	return nil
}

// ClearPause implements store.Pauser.
func (s *Store) ClearPause(ctx context.Context, scope string) error {
	err := s.write(ctx, func(_ context.Context, t *tx) error {
		t.exec("DELETE FROM pauses WHERE scope = $1", scope)
		return nil
	})
	if err != nil {
		return fmt.Errorf("clear the pause of a scope: %w", err)
	}

	return nil
}

// readPauses queues the query for the pauses that end after a time, the last to end first.
func (t *tx) readPauses(pauses *[]store.Pause, since time.Time) {
	t.query("SELECT scope, until, level, code FROM pauses WHERE until > $1 ORDER BY until DESC, scope DESC LIMIT $2",
		func(rows pgx.Rows) error {
			var (
				p     store.Pause
				until int64
			)

			err := rows.Scan(&p.Scope, &until, &p.Level, &p.Code)
			p.Until = fromMillis(&until)
			*pauses = append(*pauses, p)

			return err
		}, since.UnixMilli(), store.MaxPauses)
}
