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

// repairBatch limits the lanes that one transaction of RepairClock changes.
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

// Schedule implements store.Queue. The scopes are found by one look into the index for each, not by reading all waiting
// lanes.
func (s *Store) Schedule(ctx context.Context) ([3]store.Schedule, error) {
	var schedule [3]store.Schedule

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		schedule = [3]store.Schedule{}

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

		return nil
	})
	if err != nil {
		return [3]store.Schedule{}, fmt.Errorf("read when lanes are due: %w", err)
	}

	for i := range schedule {
		slices.Sort(schedule[i].Scopes)
	}

	return schedule, nil
}

// RepairClock implements store.Queue.
func (s *Store) RepairClock(ctx context.Context, now time.Time) error {
	err := s.write(ctx, func(_ context.Context, t *tx) error {
		t.exec("DELETE FROM pauses WHERE until > $1 AND set_at > $1", now.UnixMilli())
		t.exec("UPDATE duties SET until = $1, set_at = $1 WHERE until > $1 AND set_at > $1", now.UnixMilli())

		return nil
	})
	if err != nil {
		return fmt.Errorf("undo what a clock that was ahead has set: %w", err)
	}

	for {
		var ahead []laneKey

		err := s.write(ctx, func(ctx context.Context, t *tx) error {
			ahead = nil
			t.query(`
				SELECT c.lane, c.class FROM conversations c
				WHERE c.class IN (0, 1, 2) AND c.ready_at > $1 AND c.set_at > $1 LIMIT $2`,
				func(rows pgx.Rows) error {
					var key laneKey

					err := rows.Scan(&key.lane, (*int16)(&key.class))
					ahead = append(ahead, key)

					return err
				}, now.UnixMilli(), repairBatch)

			if err := t.flush(ctx); err != nil || len(ahead) == 0 {
				return err
			}

			l := newLanes()
			t.lockRows(l, ahead)

			if err := t.flush(ctx); err != nil {
				return err
			}

			l.repairClock(now.UnixMilli())
			l.save(t)

			return nil
		})
		if err != nil {
			return fmt.Errorf("undo what a clock that was ahead has set: %w", err)
		}

		if len(ahead) < repairBatch {
			return nil
		}
	}
}

// repairClock makes lanes due at now that wait for a time set later than now, and ends leases that were granted later.
// They wait for no scope any more: why they waited is as doubtful as until when.
func (l *lanes) repairClock(now int64) {
	for _, row := range l.rows {
		if row.ready == nil || *row.ready <= now || row.set == nil || *row.set <= now {
			continue
		}

		row.due(now)
	}
}
