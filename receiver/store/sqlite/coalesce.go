// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Peek implements store.Queue.
func (s *Store) Peek(ctx context.Context, lease store.LeaseRef, limit int) ([]store.Event, error) {
	var found []store.Event

	err := s.read(ctx, func(c *conn) error {
		var head int64

		err := c.query(ctx, "SELECT head FROM conversations WHERE lane = ? AND class = ? AND token = ?",
			func(r row) error { head = r.int(0); return nil }, lease.Lane, int64(lease.Class), lease.Token)
		if err != nil {
			return err
		}

		if head == 0 {
			return store.ErrLeaseLost
		}

		started := false

		return c.query(ctx, `
			SELECT bound_to IS NOT NULL OR binds OR EXISTS (SELECT 1 FROM replies WHERE event = seq),
				id, kind, type, phone_number_id, received_at, payload
			FROM events
			WHERE lane = ?1 AND class = ?2 AND state = 'pending' AND seq > ?3 AND bound_to IS NOT ?3 ORDER BY seq LIMIT ?4`,
			func(r row) error {
				if started = started || r.int(0) != 0; started {
					return nil
				}

				event, err := r.pending(1, lease.Class, lease.Lane)
				found = append(found, event)

				return err
			}, lease.Lane, int64(lease.Class), head, int64(max(limit, 0)))
	})
	if err != nil {
		return nil, fmt.Errorf("read the events after a lane's head: %w", err)
	}

	return found, nil
}

// coalesce makes events end together with the head of their lane, and settles the head. An event that is already
// coalesced with it stays so.
func (t *tx) coalesce(lease store.LeaseRef, head int64, events []store.ID) error {
	for _, id := range events {
		added, err := t.exec(`
			UPDATE events SET bound_to = ?1
			WHERE id = ?2 AND lane = ?3 AND class = ?4 AND state = 'pending' AND seq > ?1 AND coalesce(bound_to, ?1) = ?1
				AND NOT binds AND NOT EXISTS (SELECT 1 FROM replies WHERE event = seq)`,
			head, id[:], lease.Lane, int64(lease.Class))
		if err != nil {
			return err
		}

		if added == 0 {
			return fmt.Errorf("event %s cannot be coalesced: it is not pending behind the head, or already has replies", id)
		}
	}

	_, err := t.exec("UPDATE events SET binds = 1 WHERE seq = ?", head)

	return err
}

// readCoalesced returns the pending events that are coalesced with an event.
func (t *tx) readCoalesced(head int64, class store.Class, lane string) ([]store.Event, error) {
	var found []store.Event

	err := t.query(`
		SELECT id, kind, type, phone_number_id, received_at, payload FROM events
		WHERE bound_to = ? AND state = 'pending' ORDER BY seq`,
		func(r row) error {
			event, err := r.pending(0, class, lane)
			found = append(found, event)

			return err
		}, head)

	return found, err
}

// endCoalesced ends the events coalesced with an event that a step has ended. Each that can be replayed gets the
// failure in its history.
func (t *tx) endCoalesced(class store.Class, head int64, step store.Step) error {
	var ended []int64

	err := t.returning(`
		UPDATE events SET state = ?, finished_at = ? WHERE bound_to = ? AND state = 'pending' RETURNING seq`,
		func(r row) error { ended = append(ended, r.int(0)); return nil },
		string(step.Outcome.State), step.Now.UnixMilli(), head)
	if err != nil {
		return err
	}

	for _, event := range ended {
		t.tally.Move(class, store.Pending, step.Outcome.State)

		if step.Outcome.Failure != nil && slices.Contains(store.Replayable, step.Outcome.State) {
			if err := t.addFailure(event, step.Outcome.Failure); err != nil {
				return err
			}
		}

		if err := t.recordCode(event, step.Outcome.State); err != nil {
			return err
		}
	}

	return nil
}
