// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// repairBatch limits the lanes, and the events, that one transaction of RepairClock changes.
const repairBatch = 500

// ClaimWaiting implements store.Queue. It skips lanes that another transaction has locked.
func (s *Store) ClaimWaiting(ctx context.Context, of store.Class, scope string, until time.Time, limit int) ([]store.Lease, error) {
	return s.claim(ctx, of, s.leasedAt(until), until, `
		SELECT `+laneColumns+` FROM conversations c
		WHERE c.class = $1 AND c.waits_for = $2 ORDER BY c.ready_at, c.lane LIMIT $3 FOR UPDATE SKIP LOCKED`,
		of, scope, max(limit, 0))
}

// leasedAt returns when a lease until a given time was granted: now, or nil if the caller's time is not that of the
// clock.
func (s *Store) leasedAt(until time.Time) *int64 {
	if now := s.clock.Now(); now.Before(until) {
		return millis(now)
	}

	return nil
}

// Schedule implements store.Queue. The scopes are found by one index lookup for each, not by reading all waiting lanes.
func (s *Store) Schedule(ctx context.Context, pausedSince time.Time) ([3]store.Schedule, []store.Pause, error) {
	var (
		schedule [3]store.Schedule
		pauses   []store.Pause
	)

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.query(`
			WITH RECURSIVE k (class) AS (VALUES (0::smallint), (1::smallint), (2::smallint)), scopes (class, n, scope) AS (
				SELECT k.class, 1, (SELECT min(c.waits_for) FROM conversations c WHERE c.class = k.class AND c.waits_for IS NOT NULL) FROM k
				UNION ALL
				SELECT s.class, s.n + 1, (SELECT min(c.waits_for) FROM conversations c WHERE c.class = s.class AND c.waits_for > s.scope)
				FROM scopes s WHERE s.scope IS NOT NULL AND s.n < $1
			)
			SELECT k.class, '', (SELECT min(c.ready_at) FROM conversations c WHERE c.class = k.class AND c.ready_at IS NOT NULL) FROM k
			UNION ALL
			SELECT s.class, s.scope, NULL FROM scopes s WHERE s.scope IS NOT NULL`,
			func(rows pgx.Rows) error {
				var (
					class int16
					scope string
					due   *int64
				)
				if err := rows.Scan(&class, &scope, &due); err != nil {
					return err
				}

				if of := &schedule[class]; scope == "" {
					of.NextDue = fromMillis(due)
				} else {
					of.Scopes = append(of.Scopes, scope)
				}

				return nil
			}, store.MaxWaitingScopes)
		t.readPauses(&pauses, pausedSince)

		return nil
	})
	if err != nil {
		return [3]store.Schedule{}, nil, fmt.Errorf("read when lanes are due: %w", err)
	}

	for i := range schedule {
		slices.Sort(schedule[i].Scopes)
	}

	return schedule, pauses, nil
}

// RepairClock implements store.Queue.
func (s *Store) RepairClock(ctx context.Context, now time.Time) error {
	err := s.write(ctx, func(_ context.Context, t *tx) error {
		t.exec("DELETE FROM pauses WHERE until > $1 AND set_at > $1", now.UnixMilli())
		t.exec("UPDATE duties SET until = $1, set_at = $1 WHERE until > $1 AND set_at > $1", now.UnixMilli())

		return nil
	})
	if err != nil {
		return fmt.Errorf("repair the times of a fast clock: %w", err)
	}

	for n := repairBatch; n >= repairBatch; { // fewer are the last: a receiver whose clock is ahead sets further ones all the time
		err := s.write(ctx, func(ctx context.Context, t *tx) (err error) {
			n, err = t.repairClock(ctx, now.UnixMilli())
			return err
		})
		if err != nil {
			return fmt.Errorf("repair the times of a fast clock: %w", err)
		}
	}

	for n := int64(repairBatch); n >= repairBatch; {
		err := s.write(ctx, func(ctx context.Context, t *tx) (err error) {
			n, err = t.repairFinished(ctx, now.UnixMilli())
			return err
		})
		if err != nil {
			return fmt.Errorf("repair the times of a fast clock: %w", err)
		}
	}

	return nil
}

// repairFinished gives events that finished later the time now, up to repairBatch of dead letters and quarantined events and as
// many others. It returns the larger number, and skips rows that another transaction has locked.
func (t *tx) repairFinished(ctx context.Context, now int64) (int64, error) {
	repair := func(n *int64, of string) {
		t.execCount(n, `
			UPDATE events e SET finished_at = $1
			FROM (SELECT seq FROM events WHERE `+of+` AND finished_at > $1 LIMIT $2 FOR UPDATE SKIP LOCKED) ahead
			WHERE e.seq = ahead.seq`, now, repairBatch)
	}

	var unanswered, others int64

	repair(&unanswered, "state IN ('dead', 'quarantined')")
	repair(&others, "state NOT IN ('pending', 'dead', 'quarantined') AND emptied IN (false, true)")

	err := t.flush(ctx)

	return max(unanswered, others), err
}

// repairClock repairs rows of conversations whose times a fast clock has set, and returns how many it found.
func (t *tx) repairClock(ctx context.Context, now int64) (int, error) {
	var ahead []laneKey

	t.query(`
		(SELECT lane, class FROM conversations WHERE class IN (0, 1, 2) AND ready_at > $1 AND set_at > $1 LIMIT $2)
		UNION (SELECT lane, class FROM conversations WHERE class = 0 AND last_inbound_at > $1 LIMIT $2)
		UNION (SELECT lane, class FROM conversations WHERE taken_at > $1 LIMIT $2)`,
		func(rows pgx.Rows) error {
			var key laneKey

			err := rows.Scan(&key.lane, (*int16)(&key.class))
			ahead = append(ahead, key)

			return err
		}, now, repairBatch)

	if err := t.flush(ctx); err != nil || len(ahead) == 0 {
		return 0, err
	}

	l := newLanes()
	t.lockRows(l, ahead)

	if err := t.flush(ctx); err != nil {
		return 0, err
	}

	for _, row := range l.rows {
		row.repairClock(now)
	}

	l.save(t)

	return len(ahead), nil
}

// repairClock makes a lane due at now that waits for a time set later than now, or whose lease was granted later. The holder
// of such a lease keeps it until another caller claims the lane. The lane waits for no scope any more: the reason of the
// wait is as doubtful as its time. Messages and takeovers with later times get the time now.
func (l *lane) repairClock(now int64) {
	if l.ready != nil && *l.ready > now && l.set != nil && *l.set > now {
		l.ready = &now
		l.set = &now
		l.waitsFor = ""
		l.changed = true
	}

	at := fromMillis(&now)
	if l.state.LastInboundAt.After(at) {
		l.state.LastInboundAt = at
		l.changed = true
	}

	if taken := &l.state.Takeover; taken.At.After(at) {
		if !taken.Until.IsZero() {
			taken.Until = taken.Until.Add(at.Sub(taken.At))
		}

		taken.At = at
		l.changed = true
	}
}
