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
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		n := newLockSet()
		t.query("SELECT lane, class FROM events WHERE id = $1 AND state = 'dead'", func(rows pgx.Rows) error {
			var of laneKey

			err := rows.Scan(&of.lane, (*int16)(&of.class))
			n.addNamed(of)

			return err
		}, id)

		if err := t.flush(ctx); err != nil {
			return err
		}

		if len(n.rows) == 0 {
			return store.ErrNotFound
		}

		l, err := t.lock(ctx, n, func() {})
		if err != nil {
			return err
		}
		// Events coalesced with it are in the same lane.
		alone := t.revive(l, `
			UPDATE events e SET state = 'pending', `+personLane+`, attempts = 0, replays = replays + 1, finished_at = NULL, bound_to = NULL
			WHERE id = $1 AND state = 'dead' RETURNING lane, class, kind, received_at`, store.Dead, now.UnixMilli(), id)
		t.revive(l, `
			UPDATE events e SET state = 'pending', `+personLane+`, attempts = 0, replays = replays + 1, finished_at = NULL
			WHERE bound_to = (SELECT seq FROM events WHERE id = $1 AND state = 'pending') AND state = 'dead'
			RETURNING lane, class, kind, received_at`, store.Dead, now.UnixMilli(), id)

		if err := t.flush(ctx); err != nil {
			return err
		}

		if *alone == 0 {
			return store.ErrNotFound
		}

		l.save(t)

		return nil
	})
	if err != nil {
		return fmt.Errorf("replay event %s: %w", id, err)
	}

	return nil
}

// personLane sets the lane of an event to that of the person, whose names may have been joined since the event ended.
const personLane = `lane = CASE WHEN e.class = 0 THEN coalesce((SELECT n.person FROM names n WHERE n.name = e.lane), e.lane) ELSE e.lane END`

// revive queues a statement that makes events pending again, and makes their lanes due. The result is the number of
// events, valid after a flush.
func (t *tx) revive(l *lanes, sql string, from store.State, now int64, args ...any) *int {
	revived := new(int)
	t.query(sql, func(rows pgx.Rows) error {
		var (
			of       laneKey
			kind     store.Kind
			received int64
		)
		if err := rows.Scan(&of.lane, (*int16)(&of.class), &kind, &received); err != nil {
			return err
		}

		if l.rows[of] == nil {
			return errLostRace // the event was in another state when the locks were collected
		}

		*revived++

		t.tally.Move(of.class, from, store.Pending)
		l.wake(of, now)
		// A conversation that was purged since starts again with the time of the event.
		if row := l.rows[of]; of.class == store.Conversations && kind == store.KindMessage && row.state.LastInboundAt.IsZero() {
			row.state.LastInboundAt = fromMillis(&received)
			row.changed = true
		}

		return nil
	}, args...)

	return revived
}

// resend plans a sent reply again.
func (t *tx) resend(ctx context.Context, l *lanes, reply *store.ReplyRef, now int64) error {
	revived := t.revive(l, `
		UPDATE events e SET state = 'pending', `+personLane+`, finished_at = NULL
		WHERE e.id = $1 AND e.state = 'done' AND NOT e.emptied AND EXISTS (
			SELECT FROM replies r WHERE r.event = e.seq AND r.part = $2 AND r.state = 'sent' AND (r.message_id = $3 OR $3 = ''))
		RETURNING e.lane, e.class, e.kind, e.received_at`,
		store.Done, now, reply.Event, reply.Part, reply.MessageID)
	if err := t.flush(ctx); err != nil || *revived == 0 {
		return err
	}

	t.exec(`
		UPDATE replies SET state = 'planned', message_id = '', resends = resends + 1
		WHERE event = (SELECT seq FROM events WHERE id = $1) AND part = $2`, reply.Event, reply.Part)

	return nil
}

// Discard implements store.DeadLetterQueue.
func (s *Store) Discard(ctx context.Context, id store.ID, now time.Time) error {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		var changed int64
		t.execCount(&changed, "UPDATE events SET state = 'discarded', finished_at = $1 WHERE id = $2 AND state = 'dead'",
			now.UnixMilli(), id)

		if err := t.flush(ctx); err != nil {
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
