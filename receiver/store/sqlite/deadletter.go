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
		var seq int64

		err := t.query("SELECT seq FROM events WHERE id = ? AND "+replayable,
			func(r row) error { seq = r.int(0); return nil }, id[:])
		if err != nil {
			return err
		}

		replayed, err := t.replay(seq, now.UnixMilli(), "")
		if err == nil && replayed == 0 {
			err = store.ErrNotFound
		}

		return err
	})
	if err != nil {
		return fmt.Errorf("replay event %s: %w", id, err)
	}

	return nil
}

// replay makes an event that can be replayed pending again, with the events that are coalesced with it, and returns how many.
// It does nothing if there is no such event, as after its replay with another event, or if it cannot be processed. A job, if
// there is one, marks the events.
func (t *tx) replay(seq, now int64, job string) (int, error) {
	head, err := t.revive(seq, now, "SELECT seq, state FROM events WHERE seq = ? AND "+processable+" AND "+replayable, `
		UPDATE events SET state = 'pending', attempts = 0, replays = replays + 1, finished_at = NULL, bound_to = NULL,
			replay_job = coalesce(nullif(?2, ''), replay_job), `+personsLane, job)
	if err != nil || head == 0 {
		return 0, err
	}

	coalesced, err := t.revive(seq, now, "SELECT seq, state FROM events WHERE bound_to = ? AND "+processable+" AND "+replayable, `
		UPDATE events SET state = 'pending', attempts = 0, replays = replays + 1, finished_at = NULL,
			replay_job = coalesce(nullif(?2, ''), replay_job), `+personsLane, job)
	if err != nil {
		return 0, err
	}

	_, err = t.exec(`
		DELETE FROM replies WHERE event = ?1
			AND NOT EXISTS (SELECT 1 FROM replies WHERE event = ?1 AND state IN ('sent', 'sending') AND NOT fallback)`, seq)

	return head + coalesced, err
}

// personsLane puts an event into the lane that its person has now.
const personsLane = "lane = iif(class = 0, coalesce((SELECT person FROM names WHERE name = lane), lane), lane)"

// revive makes the events that a query finds pending again by a statement, and makes their lanes due. It returns how many.
// The first argument of the statement is the seq, args are the others.
func (t *tx) revive(seq, now int64, find, update string, args ...driver.Value) (int, error) {
	type finishedEvent struct {
		seq   int64
		state store.State
	}

	var found []finishedEvent

	err := t.query(find, func(r row) error {
		found = append(found, finishedEvent{seq: r.int(0), state: store.State(r.text(1))})

		return nil
	}, seq)
	if err != nil {
		return 0, err
	}

	for _, before := range found {
		var e store.Event

		err := t.returning(update+" WHERE seq = ?1 RETURNING class, lane, kind, received_at", func(r row) error {
			e = store.Event{
				Class:      r.class(0),
				Lane:       r.text(1),
				Kind:       store.Kind(r.text(2)),
				ReceivedAt: r.time(3),
			}

			return nil
		}, append([]driver.Value{before.seq}, args...)...)
		if err != nil {
			return 0, err
		}

		t.tally.Move(e.Class, before.state, store.Pending)

		if err := t.markDue(&e, before.state, now); err != nil {
			return 0, err
		}
	}

	return len(found), nil
}

// markDue makes the lane due of an event that was not pending before.
func (t *tx) markDue(e *store.Event, before store.State, now int64) error {
	if _, err := t.wake(e.Lane, e.Class, now); err != nil {
		return err
	}

	at, ok := e.UnrecordedInboundAt(before)
	if !ok {
		return nil
	}

	_, err := t.exec(`
		UPDATE conversations SET last_inbound_at = ?1
		WHERE lane = ?2 AND class = 0 AND coalesce(last_inbound_at, 0) < ?1`,
		at.UnixMilli(), e.Lane)

	return err
}

// resend plans a sent reply again.
func (t *tx) resend(reply *store.ReplyRef, now int64) error {
	planned, err := t.exec(`
		UPDATE replies SET state = 'planned', message_id = '', resends = resends + 1, body = coalesce(?4, body)
		WHERE event = (SELECT seq FROM events WHERE id = ?1 AND state = 'done' AND emptied = 0) AND part = ?2
			AND state = 'sent' AND (message_id = ?3 OR ?3 = '')`,
		reply.Event[:], int64(reply.Part), reply.MessageID, bytes(reply.Body))
	if err != nil || planned == 0 {
		return err
	}

	var seq int64

	err = t.query("SELECT seq FROM events WHERE id = ?", func(r row) error { seq = r.int(0); return nil }, reply.Event[:])
	if err != nil {
		return err
	}

	if reply.Failure != nil {
		if err := t.addFailure(seq, reply.Failure); err != nil {
			return err
		}
	}

	_, err = t.revive(seq, now, "SELECT seq, state FROM events WHERE seq = ?",
		"UPDATE events SET state = 'pending', finished_at = NULL, "+personsLane)

	return err
}

// Discard implements store.DeadLetterQueue.
func (s *Store) Discard(ctx context.Context, id store.ID, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		var (
			seq   int64
			state store.State
		)

		err := t.query("SELECT seq, state FROM events WHERE id = ? AND "+replayable, func(r row) error {
			seq = r.int(0)
			state = store.State(r.text(1))

			return nil
		}, id[:])
		if err != nil {
			return err
		}

		if seq == 0 {
			return store.ErrNotFound
		}

		return t.discard(seq, state, now.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("discard event %s: %w", id, err)
	}

	return nil
}

func (t *tx) discard(seq int64, from store.State, now int64) error {
	t.tally.Move(store.NoClass, from, store.Discarded)
	_, err := t.exec("UPDATE events SET state = 'discarded', finished_at = ? WHERE seq = ?", now, seq)

	return err
}
