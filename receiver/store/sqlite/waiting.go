// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// repairBatch limits the events that one transaction of RepairClock changes.
const repairBatch = 500

// ClaimWaiting implements store.Queue.
func (s *Store) ClaimWaiting(
	ctx context.Context, class store.Class, scope string, until time.Time, limit int,
) ([]store.Lease, error) {
	leases, err := s.claim(ctx, class, time.Time{}, until, "WHERE class = ? AND waits_for = ? ORDER BY ready_at LIMIT ?",
		max(limit, 0), int64(class), scope)
	if err != nil {
		return nil, fmt.Errorf("claim lanes of class %s that wait for a scope: %w", class, err)
	}

	return leases, nil
}

// Schedule implements store.Queue.
func (s *Store) Schedule(ctx context.Context, pausedSince time.Time) ([3]store.Schedule, []store.Pause, error) {
	var (
		schedules [3]store.Schedule
		pauses    []store.Pause
	)

	err := s.read(ctx, func(c *conn) (err error) {
		for class := range schedules {
			if err := readSchedule(ctx, c, int64(class), &schedules[class]); err != nil {
				return err
			}
		}

		pauses, err = readPauses(ctx, c, pausedSince)
		if isDamage(err) { // a damaged page of pauses must not stop the work
			pauses = nil
			err = nil
		}

		return err
	})
	if err != nil {
		return [3]store.Schedule{}, nil, fmt.Errorf("read when lanes are due: %w", withDamage(err))
	}

	return schedules, pauses, nil
}

// readSchedule reads one entry of an index for each scope, however many lanes wait for it.
func readSchedule(ctx context.Context, c *conn, class int64, schedule *store.Schedule) error {
	err := c.query(ctx, `
		SELECT ready_at FROM conversations WHERE class = ? AND ready_at IS NOT NULL ORDER BY ready_at LIMIT 1`,
		func(r row) error { schedule.NextDue = r.time(0); return nil }, class)
	if err != nil {
		return err
	}

	for scope := ""; len(schedule.Scopes) < store.MaxWaitingScopes; {
		found := false

		err := c.query(ctx, `
			SELECT waits_for FROM conversations WHERE class = ? AND waits_for > ? ORDER BY waits_for LIMIT 1`,
			func(r row) error {
				found = true
				scope = r.text(0)

				return nil
			}, class, scope)
		if err != nil || !found {
			return err
		}

		schedule.Scopes = append(schedule.Scopes, scope)
	}

	return nil
}

// RepairClock implements store.Queue.
func (s *Store) RepairClock(ctx context.Context, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		for _, sql := range [...]string{
			`UPDATE conversations SET ready_at = ?1, set_at = ?1, waits_for = NULL
			WHERE class IN (0, 1, 2) AND ready_at > ?1 AND set_at > ?1`,
			"UPDATE conversations SET human_until = human_until - (taken_at - ?1), taken_at = ?1 WHERE taken_at > ?1",
			"UPDATE conversations SET last_inbound_at = ?1 WHERE class = 0 AND last_inbound_at > ?1",
			"DELETE FROM pauses WHERE until > ?1 AND set_at > ?1",
			"UPDATE duties SET until = ?1, set_at = ?1 WHERE until > ?1 AND set_at > ?1",
		} {
			if _, err := t.exec(sql, now.UnixMilli()); err != nil {
				return err
			}
		}

		return nil
	})
	if err == nil {
		err = s.repairFinished(ctx, now.UnixMilli())
	}

	if err != nil {
		return fmt.Errorf("repair the times of a fast clock: %w", err)
	}

	return nil
}

// repairFinished gives events that finished later the time now. Damage leaves them as they are, and stops nothing else.
func (s *Store) repairFinished(ctx context.Context, now int64) error {
	for _, of := range [...]string{deletion.of, expiry.of} {
		for n := int64(repairBatch); n == repairBatch; {
			err := s.writer.do(ctx, func(t *tx) (err error) {
				n, err = t.exec(`
					UPDATE events SET finished_at = ?1
					WHERE seq IN (SELECT seq FROM events WHERE `+of+` AND finished_at > ?1 LIMIT ?2)`, now, int64(repairBatch))

				return err
			})
			if isDamage(err) {
				break
			}

			if err != nil {
				return err
			}
		}
	}

	return nil
}
