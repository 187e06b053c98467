// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// SetPause implements store.Pauser.
func (s *Store) SetPause(ctx context.Context, pause store.Pause, now time.Time) error {
	if err := pause.Validate(); err != nil {
		return fmt.Errorf("pause a scope: %w", err)
	}

	err := s.writer.do(ctx, func(t *tx) error {
		_, err := t.exec(`
			INSERT INTO pauses (scope, until, level, code, set_at) VALUES (?1, ?2, ?3, ?4, ?5)
			ON CONFLICT (scope) DO UPDATE SET
				until = iif(until > ?5, max(until, excluded.until), excluded.until),
				level = iif(until > ?5, max(level, excluded.level), excluded.level),
				code = iif(until > ?5 AND until >= excluded.until, code, excluded.code),
				set_at = excluded.set_at`,
			pause.Scope, pause.Until.UnixMilli(), int64(pause.Level), pause.Code, now.UnixMilli())

		return err
	})
	if err != nil {
		return fmt.Errorf("pause a scope: %w", err)
	}

	return nil
}

// ClearPause implements store.Pauser.
func (s *Store) ClearPause(ctx context.Context, scope string) error {
	err := s.writer.do(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM pauses WHERE scope = ?", scope)
		return err
	})
	if err != nil {
		return fmt.Errorf("clear the pause of a scope: %w", err)
	}

	return nil
}

// readPauses reads the pauses that end after a time, the last to end first.
func readPauses(ctx context.Context, c *conn, since time.Time) ([]store.Pause, error) {
	var pauses []store.Pause

	err := c.query(ctx, "SELECT scope, until, level, code FROM pauses WHERE until > ? ORDER BY until DESC, scope DESC LIMIT ?",
		func(r row) error {
			pauses = append(pauses, store.Pause{
				Scope: r.text(0),
				Until: r.time(1),
				Level: int(r.int(2)),
				Code:  r.text(3),
			})

			return nil
		}, since.UnixMilli(), int64(store.MaxPauses))

	return pauses, err
}
