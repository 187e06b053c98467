// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Forget implements store.Persons.
func (s *Store) Forget(ctx context.Context, name string) error {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		name := sanitize(name)
		set := newLockSet()
		set.add(conversation(name))
		set.named = true

		l, err := t.lock(ctx, set, func() {})
		if err != nil {
			return err
		}

		row := l.person(name)
		if row == nil {
			return nil // no lock keeps a message from making the row now, so it must not be deleted
		}

		if row.token != nil {
			return store.ErrInProgress
		}

		isBusy := false

		t.query("SELECT (SELECT true FROM events WHERE lane = $1 AND class = 0 AND state = 'pending' ORDER BY seq LIMIT 1) IS NOT NULL",
			func(rows pgx.Rows) error { return rows.Scan(&isBusy) }, row.lane)

		if err := t.flush(ctx); err != nil {
			return err
		}

		if isBusy {
			return store.ErrInProgress
		}

		t.exec("DELETE FROM names WHERE person = $1", row.lane)
		t.exec("DELETE FROM conversations WHERE lane = $1 AND class = 0", row.lane)

		return nil
	})
	if err != nil {
		return fmt.Errorf("forget a person: %w", err)
	}

	return nil
}
