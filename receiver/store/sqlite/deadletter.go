// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Replay implements store.DeadLetterQueue.
func (s *Store) Replay(ctx context.Context, id store.ID, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		seq, err := t.revive(`
			UPDATE events SET state = 'pending', attempts = 0, replays = replays + 1, finished_at = NULL, bound_to = NULL, `+personsLane+`
			WHERE id = ? AND state = 'dead' RETURNING seq, class, lane, kind, received_at`, now.UnixMilli(), store.Dead, id[:])
		if err != nil {
			return err
		}

		if seq == 0 {
			return store.ErrNotFound
		}

		_, err = t.revive(`
			UPDATE events SET state = 'pending', attempts = 0, replays = replays + 1, finished_at = NULL, `+personsLane+`
			WHERE bound_to = ? AND state = 'dead' RETURNING seq, class, lane, kind, received_at`, now.UnixMilli(), store.Dead, seq)

		return err
	})
	if err != nil {
		return fmt.Errorf("replay event %s: %w", id, err)
	}

	return nil
}

// personsLane puts an event into the lane that its person has now.
const personsLane = "lane = iif(class = 0, coalesce((SELECT person FROM names WHERE name = lane), lane), lane)"

// revive runs a statement that makes events pending again, and makes their lanes due. It returns the last of them, or
// 0.
func (t *tx) revive(sql string, now int64, from store.State, args ...driver.Value) (seq int64, err error) {
	var events []store.Event

	err = t.returning(sql, func(r row) error {
		seq = r.int(0)
		events = append(events, store.Event{
			Class:      r.class(1),
			Lane:       r.text(2),
			Kind:       store.Kind(r.text(3)),
			ReceivedAt: r.time(4),
		})

		return nil
	}, args...)
	if err != nil {
		return 0, err
	}

	for _, e := range events {
		t.tally.Move(e.Class, from, store.Pending)

		if err := t.reopen(&e, now); err != nil {
			return 0, err
		}
	}

	return seq, nil
}

// reopen makes the lane of an event due. A conversation that was purged since starts again with the time of the event.
func (t *tx) reopen(e *store.Event, now int64) error {
	if err := t.wake(e.Lane, e.Class, now); err != nil || e.Class != store.Conversations || e.Kind != store.KindMessage {
		return err
	}

	_, err := t.exec(`
		UPDATE conversations SET last_inbound_at = ?
		WHERE lane = ? AND class = 0 AND last_inbound_at IS NULL`,
		e.ReceivedAt.UnixMilli(), e.Lane)

	return err
}

// resend plans a sent reply again.
func (t *tx) resend(reply *store.ReplyRef, now int64) error {
	planned, err := t.exec(`
		UPDATE replies SET state = 'planned', message_id = '', resends = resends + 1
		WHERE event = (SELECT seq FROM events WHERE id = ?1 AND state = 'done' AND emptied = 0) AND part = ?2
			AND state = 'sent' AND (message_id = ?3 OR ?3 = '')`,
		reply.Event[:], int64(reply.Part), reply.MessageID)
	if err != nil || planned == 0 {
		return err
	}

	_, err = t.revive(`
		UPDATE events SET state = 'pending', finished_at = NULL, `+personsLane+`
		WHERE id = ? RETURNING seq, class, lane, kind, received_at`, now, store.Done, reply.Event[:])

	return err
}

// Discard implements store.DeadLetterQueue.
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

		t.tally.Move(store.NoClass, store.Dead, store.Discarded)

		return nil
	})
	if err != nil {
		return fmt.Errorf("discard event %s: %w", id, err)
	}

	return nil
}
