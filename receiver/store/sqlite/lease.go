// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Claim implements store.Store.
func (s *Store) Claim(ctx context.Context, now, until time.Time, limit int) ([]store.Lease, error) {
	var leases []store.Lease
	err := s.writer.do(ctx, func(t *tx) error {
		leases = nil
		lanes, err := t.due(now, limit)
		if err != nil {
			return err
		}
		for _, lane := range lanes {
			lease, err := t.claim(lane, until)
			if err != nil {
				return err
			}
			if lease != nil {
				leases = append(leases, *lease)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim conversations: %w", err)
	}
	return leases, nil
}

// candidate is a lane that is due, with the event that it handed out last and how often.
type candidate struct {
	lane         string
	head, starts int64
}

func (t *tx) due(now time.Time, limit int) ([]candidate, error) {
	var lanes []candidate
	err := t.query("SELECT lane, head, starts FROM conversations WHERE ready_at <= ? ORDER BY ready_at LIMIT ?",
		func(r row) error {
			lanes = append(lanes, candidate{lane: r.text(0), head: r.int(1), starts: r.int(2)})
			return nil
		}, now.UnixMilli(), int64(max(limit, 0)))
	return lanes, err
}

func (t *tx) claim(c candidate, until time.Time) (*store.Lease, error) {
	work, err := t.head(c.lane)
	if err != nil {
		return nil, err
	}
	if work == nil {
		return nil, t.idle(c.lane)
	}
	work.Starts = 1
	if work.Seq == c.head {
		work.Starts = int(c.starts) + 1
	}
	lease := &store.Lease{LeaseRef: store.LeaseRef{Lane: c.lane, Token: rand.Int64()}, Work: *work} //nolint:gosec // it is to be unique, not secret
	_, err = t.exec("UPDATE conversations SET ready_at = ?, token = ?, head = ?, starts = ? WHERE lane = ?",
		until.UnixMilli(), lease.Token, work.Seq, int64(work.Starts), c.lane)
	return lease, err
}

// head returns the lane's oldest pending event, or nil.
func (t *tx) head(lane string) (*store.Work, error) {
	var work *store.Work
	err := t.query(`
		SELECT seq, id, kind, type, phone_number_id, received_at, attempts, payload FROM events
		WHERE lane = ? AND state = 'pending' ORDER BY seq LIMIT 1`,
		func(r row) error {
			work = &store.Work{Seq: r.int(0), Attempts: int(r.int(6)), Event: store.Event{
				ID: store.ID(r.blob(1)), Kind: store.Kind(r.text(2)), Type: r.text(3), State: store.Pending, Lane: lane,
				PhoneNumberID: r.text(4), ReceivedAt: r.time(5), Payload: r.blob(7),
			}}
			return nil
		}, lane)
	if err != nil || work == nil {
		return nil, err
	}
	work.Replies, err = replies(context.Background(), t.conn, work.Seq)
	return work, err
}

// idle ends the lease on a lane without pending events.
func (t *tx) idle(lane string) error {
	_, err := t.exec("UPDATE conversations SET ready_at = NULL, token = NULL, head = NULL, starts = 0 WHERE lane = ?", lane)
	return err
}

// Renew implements store.Store.
func (s *Store) Renew(ctx context.Context, leases []store.LeaseRef, until time.Time) ([]store.LeaseRef, error) {
	var lost []store.LeaseRef
	err := s.writer.do(ctx, func(t *tx) error {
		lost = nil
		for _, lease := range leases {
			held, err := t.exec("UPDATE conversations SET ready_at = ? WHERE lane = ? AND token = ?",
				until.UnixMilli(), lease.Lane, lease.Token)
			if err != nil {
				return err
			}
			if held == 0 {
				lost = append(lost, lease)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	return lost, nil
}

// Release implements store.Store.
func (s *Store) Release(ctx context.Context, lease store.LeaseRef, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		held, err := t.exec(`
			UPDATE conversations SET ready_at = ?, token = NULL, starts = max(starts - 1, 0) WHERE lane = ? AND token = ?`,
			now.UnixMilli(), lease.Lane, lease.Token)
		if err == nil && held == 0 {
			return store.ErrLeaseLost
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("release a lease: %w", err)
	}
	return nil
}

// endLeases makes the lanes of a dead process due at once. Their starts stay counted, so that an event which kills the
// process can be told from others.
func endLeases(t *tx) error {
	_, err := t.exec("UPDATE conversations SET ready_at = 0, token = NULL WHERE ready_at IS NOT NULL AND token IS NOT NULL")
	return err
}
