// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Replay implements store.Store.
func (s *Store) Replay(ctx context.Context, id store.ID, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		changed, err := t.exec(`
			UPDATE events SET state = 'pending', attempts = 0, finished_at = NULL WHERE id = ? AND state = 'dead'`, id[:])
		if err != nil {
			return err
		}
		if changed == 0 {
			return store.ErrNotFound
		}
		t.counted(store.Dead, store.Pending)
		// The conversation may have been purged since.
		_, err = t.exec(`
			INSERT INTO conversations (lane, ready_at, last_inbound_at)
			SELECT lane, ?, iif(kind = 'message', received_at, NULL) FROM events WHERE id = ?
			ON CONFLICT (lane) DO UPDATE SET ready_at = coalesce(ready_at, excluded.ready_at)`, now.UnixMilli(), id[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("replay event %s: %w", id, err)
	}
	return nil
}

// Discard implements store.Store.
func (s *Store) Discard(ctx context.Context, id store.ID, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		changed, err := t.exec("UPDATE events SET state = 'discarded', finished_at = ? WHERE id = ? AND state = 'dead'",
			now.UnixMilli(), id[:])
		if err != nil {
			return err
		}
		if changed == 0 {
			return store.ErrNotFound
		}
		t.counted(store.Dead, store.Discarded)
		return nil
	})
	if err != nil {
		return fmt.Errorf("discard event %s: %w", id, err)
	}
	return nil
}
