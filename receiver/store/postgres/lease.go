// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Claim implements store.Queue. It skips lanes that another transaction has locked.
func (s *Store) Claim(ctx context.Context, of store.Class, now, until time.Time, limit int) ([]store.Lease, error) {
	return s.claim(ctx, of, millis(now), until, `
		SELECT `+laneColumns+` FROM conversations c
		WHERE c.class = $1 AND c.ready_at <= $2 ORDER BY c.ready_at, c.lane LIMIT $3 FOR UPDATE SKIP LOCKED`,
		of, now.UnixMilli(), max(limit, 0))
}

// claim leases the lanes of a class that a statement selects and locks. The time of the lease is now, if it is known.
func (s *Store) claim(ctx context.Context, of store.Class, now *int64, until time.Time, sql string, args ...any) ([]store.Lease, error) {
	var leases []store.Lease

	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		due := newLanes()

		var order []laneKey
		t.query(sql, func(rows pgx.Rows) error {
			key, err := due.scan(rows)
			order = append(order, key)

			return err
		}, args...)

		if err := t.flush(ctx); err != nil {
			return err
		}

		heads, err := t.laneHeads(ctx, slices.Collect(maps.Keys(due.rows)))
		if err != nil {
			return err
		}

		leases = nil
		for _, key := range order {
			if work := due.rows[key].claim(heads[key], now, until); work != nil {
				leases = append(leases, store.Lease{
					LeaseRef: store.LeaseRef{
						Class: of,
						Lane:  key.lane,
						Token: *due.rows[key].token,
					}, Work: *work,
				})
			}
		}

		due.save(t)

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim lanes of class %s: %w", of, err)
	}

	return leases, nil
}

// claim leases a lane with its oldest pending event, or makes the lane idle if there is none.
func (l *lane) claim(head *store.Work, now *int64, until time.Time) *store.Work {
	if head == nil {
		l.idle()
		return nil
	}

	head.Starts = 1
	if l.head != nil && *l.head == head.Seq {
		head.Starts = l.starts + 1
	}

	l.extend(now, until)
	l.waitsFor = ""
	l.token = new(rand.Int64()) //nolint:gosec // a token is unique, not secret
	l.head = &head.Seq
	l.starts = head.Starts

	return head
}

// extend sets the end of a lease that is granted or extended at now, if that is known.
func (l *lane) extend(now *int64, until time.Time) {
	l.ready = millis(until)
	l.set = cmp.Or(now, l.set)
	l.changed = true
}

// idle ends the lease on a lane without pending events. Only the row of a conversation stays, for its state.
func (l *lane) idle() {
	l.ready = nil
	l.set = nil
	l.waitsFor = ""
	l.token = nil
	l.head = nil
	l.starts = 0
	l.changed = true
	l.gone = l.class != store.Conversations
}

// Renew implements store.Queue.
func (s *Store) Renew(ctx context.Context, leases []store.LeaseRef, until time.Time) ([]store.LeaseRef, error) {
	var lost []store.LeaseRef

	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		keys := make([]laneKey, len(leases))
		for i, lease := range leases {
			keys[i] = leaseLane(lease)
		}

		l := newLanes()
		t.lockRows(l, keys)

		if err := t.flush(ctx); err != nil {
			return err
		}

		lost = nil
		for _, lease := range leases {
			row := l.rows[leaseLane(lease)]
			if row == nil || row.token == nil || *row.token != lease.Token {
				lost = append(lost, lease)
				continue
			}

			row.extend(s.leasedAt(until), until)
		}

		l.save(t)

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}

	return lost, nil
}

// leaseLane returns the key of a lease's lane.
func leaseLane(lease store.LeaseRef) laneKey {
	return laneKey{lane: sanitize(lease.Lane), class: lease.Class}
}

// Release implements store.Queue.
func (s *Store) Release(ctx context.Context, lease store.LeaseRef, now time.Time) error {
	released, err := s.release(ctx, []store.LeaseRef{lease}, now)
	if err == nil && released == 0 {
		err = store.ErrLeaseLost
	}

	if err != nil {
		return fmt.Errorf("release a lease: %w", err)
	}

	return nil
}

// release ends leases without progress, and returns how many were held.
func (s *Store) release(ctx context.Context, leases []store.LeaseRef, now time.Time) (released int, err error) {
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		keys := make([]laneKey, len(leases))
		for i, lease := range leases {
			keys[i] = leaseLane(lease)
		}

		l := newLanes()
		t.lockRows(l, keys)

		if err := t.flush(ctx); err != nil {
			return err
		}

		released = 0

		for _, lease := range leases {
			row := l.rows[leaseLane(lease)]
			if row == nil || row.token == nil || *row.token != lease.Token {
				continue
			}

			row.due(now.UnixMilli())
			row.starts = max(row.starts-1, 0)
			released++
		}

		l.save(t)

		return nil
	})

	return released, err
}
