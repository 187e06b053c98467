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

// Replay implements store.DeadLetterQueue.
func (s *Store) Replay(ctx context.Context, id store.ID, now time.Time) error {
	err := s.change(ctx, id, " AND "+processable, func(ctx context.Context, t *tx, seqs []int64) (int, error) {
		return t.replay(ctx, seqs, now.UnixMilli(), "")
	})
	if err != nil {
		return fmt.Errorf("replay event %s: %w", id, err)
	}

	return nil
}

// Discard implements store.DeadLetterQueue.
func (s *Store) Discard(ctx context.Context, id store.ID, now time.Time) error {
	err := s.change(ctx, id, "", func(ctx context.Context, t *tx, seqs []int64) (int, error) {
		return t.discard(ctx, seqs, now.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("discard event %s: %w", id, err)
	}

	return nil
}

// change changes an event in a state of store.Replayable.
func (s *Store) change(
	ctx context.Context, id store.ID, further string, change func(ctx context.Context, t *tx, seqs []int64) (int, error),
) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		var seqs []int64

		t.query("SELECT e.seq FROM events e WHERE e.id = $1 AND e.state = ANY($2)"+further, func(rows pgx.Rows) error {
			var seq int64

			err := rows.Scan(&seq)
			seqs = append(seqs, seq)

			return err
		}, id, replayableStates)

		if err := t.flush(ctx); err != nil {
			return err
		}

		if len(seqs) == 0 {
			return store.ErrNotFound
		}

		n, err := change(ctx, t, seqs)
		if err == nil && n == 0 {
			err = store.ErrNotFound
		}

		return err
	})
}

// lockEvents is a query of events to change, which it locks in their order: it leaves out events that a receiver has
// changed meanwhile.
const lockEvents = "SELECT e.seq, e.state FROM events e WHERE e.seq = ANY($1) AND e.state = ANY($2) ORDER BY e.seq FOR UPDATE"

// discard ends events for good, and returns how many.
func (t *tx) discard(ctx context.Context, seqs []int64, now int64) (int, error) {
	discarded := 0

	t.query(`
		WITH old AS MATERIALIZED (`+lockEvents+`)
		UPDATE events e SET state = 'discarded', finished_at = $3 FROM old WHERE e.seq = old.seq RETURNING old.state`,
		func(rows pgx.Rows) error {
			var from store.State

			err := rows.Scan(&from)
			t.tally.Move(store.NoClass, from, store.Discarded)

			discarded++

			return err
		}, seqs, replayableStates, now)

	return discarded, t.flush(ctx)
}

// replay makes events pending again, with the events that are coalesced with them, and returns how many. A job, if there is
// one, marks them.
func (t *tx) replay(ctx context.Context, seqs []int64, now int64, job string) (int, error) {
	n := newLockSet()

	var all []int64

	t.query("SELECT e.seq, e.lane, e.class FROM events e WHERE (e.seq = ANY($1) OR e.bound_to = ANY($1)) AND e.state = ANY($2)", func(rows pgx.Rows) error {
		var (
			seq int64
			of  laneKey
		)

		err := rows.Scan(&seq, &of.lane, (*int16)(&of.class))
		n.addNamed(of)

		all = append(all, seq)

		return err
	}, seqs, replayableStates)

	if err := t.flush(ctx); err != nil {
		return 0, err
	}

	l, err := t.lock(ctx, n, func() {})
	if err != nil {
		return 0, err
	}

	replayed, err := t.revive(ctx, l, now, `
		WITH old AS MATERIALIZED (`+lockEvents+`)
		UPDATE events e SET state = 'pending', `+personLane+`, attempts = 0, replays = replays + 1, finished_at = NULL,
			bound_to = CASE WHEN e.bound_to = ANY($1) THEN e.bound_to END, replay_job = coalesce(nullif($3, ''), e.replay_job)
		FROM old WHERE e.seq = old.seq AND `+processable+`
		RETURNING e.seq, old.state, e.lane, e.class, e.kind, e.received_at`, all, replayableStates, job)
	if err != nil {
		return 0, err
	}
	// The AI is asked again, unless a part of its answer went out or may have.
	t.exec(`
		DELETE FROM replies r WHERE r.event = ANY($1) AND NOT EXISTS (
			SELECT FROM replies s WHERE s.event = r.event AND s.state IN ('sent', 'sending') AND NOT s.fallback)`, replayed)
	l.save(t)

	return len(replayed), nil
}

// personLane sets the lane of an event to that of the person, whose names may have been joined since the event ended.
const personLane = `lane = CASE WHEN e.class = 0 THEN coalesce((SELECT n.person FROM names n WHERE n.name = e.lane), e.lane) ELSE e.lane END`

// revive runs a statement that makes events pending again, makes their lanes due, and returns the events.
func (t *tx) revive(ctx context.Context, l *lanes, now int64, sql string, args ...any) ([]int64, error) {
	var revived []int64

	t.query(sql, func(rows pgx.Rows) error {
		var (
			seq, received int64
			from          store.State
			of            laneKey
			e             store.Event
		)
		if err := rows.Scan(&seq, &from, &of.lane, (*int16)(&of.class), &e.Kind, &received); err != nil {
			return err
		}

		row := l.rows[of]
		if row == nil {
			return errLostRace // the event was in another state when the locks were collected
		}

		revived = append(revived, seq)

		t.tally.Move(of.class, from, store.Pending)
		l.wake(of, now)

		e.Class = of.class
		e.ReceivedAt = fromMillis(&received)

		if at, ok := e.UnrecordedInboundAt(from); ok && at.After(row.state.LastInboundAt) {
			row.state.LastInboundAt = at
			row.changed = true
		}

		return nil
	}, args...)

	return revived, t.flush(ctx)
}

// resend plans a sent reply again.
func (t *tx) resend(ctx context.Context, l *lanes, reply *store.ReplyRef, now int64) error {
	revived, err := t.revive(ctx, l, now, `
		UPDATE events e SET state = 'pending', `+personLane+`, finished_at = NULL
		WHERE e.id = $1 AND e.state = 'done' AND NOT e.emptied AND (
			SELECT true FROM replies r WHERE r.event = e.seq AND r.part = $2 AND r.state = 'sent' AND (r.message_id = $3 OR $3 = ''))
		RETURNING e.seq, 'done', e.lane, e.class, e.kind, e.received_at`,
		reply.Event, reply.Part, reply.MessageID)
	if err != nil || len(revived) == 0 {
		return err
	}

	t.exec(`
		UPDATE replies SET state = 'planned', message_id = '', resends = resends + 1, body = coalesce($3, body)
		WHERE event = $1 AND part = $2`, revived[0], reply.Part, reply.Body)

	if reply.Failure != nil {
		t.addFailures([]historyEntry{{event: revived[0], failure: reply.Failure}})
	}

	return nil
}
