// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Claim implements store.Queue.
func (s *Store) Claim(ctx context.Context, class store.Class, now, until time.Time, limit int) ([]store.Lease, error) {
	leases, err := s.claim(ctx, class, now, until, "WHERE class = ? AND ready_at <= ? ORDER BY ready_at LIMIT ?",
		max(limit, 0), int64(class), now.UnixMilli())
	s.unclaimable[class].Store(isDamage(err))

	if err != nil {
		return nil, fmt.Errorf("claim lanes of class %s: %w", class, err)
	}

	return leases, nil
}

// claim leases the lanes of a class that a condition finds, whose last parameter is the limit. A zero now leaves the time at
// which their wait was set.
func (s *Store) claim(
	ctx context.Context, class store.Class, now, until time.Time, where string, limit int, args ...driver.Value,
) ([]store.Lease, error) {
	var leases []store.Lease

	err := s.writer.do(ctx, func(t *tx) error {
		leases = nil

		lanes, err := t.lanes(class, laneColumns+where, append(args, int64(limit))...)
		if err != nil {
			return err
		}

		for i := range lanes {
			lease, err := t.claim(&lanes[i], now, until)
			if err != nil {
				return err
			}

			if lease != nil {
				leases = append(leases, *lease)
			}
		}

		return nil
	})
	if isDamage(err) {
		return s.claimSingly(ctx, class, now, until, where, limit, args)
	}

	return leases, err
}

// lane is a row of conversations that is due or leased.
type lane struct {
	store.LeaseRef
	head, starts int64 // the event that was leased last, and how often
	known        bool  // state is that of the lane's person
	state        store.Conversation
}

// conversation returns the state of the person that the lane is named after.
func (t *tx) conversation(l *lane) (store.Conversation, error) {
	if l.known {
		return l.state, nil
	}

	_, state, err := t.person(l.Lane)

	return state, err
}

const laneColumns = `
	SELECT lane, head, starts, ` + stateSummaryColumns + ` FROM conversations `

// lanes runs a statement with laneColumns and returns the lanes of a class that it finds.
func (t *tx) lanes(class store.Class, sql string, args ...driver.Value) ([]lane, error) {
	var lanes []lane

	err := t.query(sql, func(r row) error {
		state, complete := r.stateSummary(3)
		lanes = append(lanes, lane{
			LeaseRef: store.LeaseRef{Class: class, Lane: r.text(0)},
			head:     r.int(1),
			starts:   r.int(2),
			state:    state,
			known:    class == store.Conversations && complete,
		})

		return nil
	}, args...)

	return lanes, err
}

// claim leases a lane with its oldest pending event, or makes the lane idle if there is none.
func (t *tx) claim(l *lane, now, until time.Time) (*store.Lease, error) {
	work, err := t.head(l.Class, l.Lane)
	if err != nil {
		return nil, err
	}

	if work == nil {
		return nil, t.idle(l.LeaseRef)
	}

	if work.Conversation, err = t.conversation(l); err != nil {
		return nil, err
	}

	work.Starts = 1
	if work.Seq == l.head {
		work.Starts = int(l.starts) + 1
	}

	l.Token = rand.Int64() //nolint:gosec // a token is unique, not secret
	_, err = t.exec(`
		UPDATE conversations SET ready_at = ?, set_at = coalesce(?, set_at), token = ?, head = ?, starts = ?, waits_for = NULL
		WHERE lane = ? AND class = ?`,
		until.UnixMilli(), millis(now), l.Token, work.Seq, int64(work.Starts), l.Lane, int64(l.Class))

	return &store.Lease{LeaseRef: l.LeaseRef, Work: *work}, err
}

// head returns the lane's oldest pending event, complete except for Starts and Conversation, or nil.
func (t *tx) head(class store.Class, lane string) (*store.Work, error) {
	var work *store.Work

	err := t.query(`
		SELECT seq, id, kind, type, phone_number_id, received_at, payload, attempts, replays, binds,
			(SELECT text FROM transcripts WHERE event = seq)
		FROM events
		WHERE lane = ? AND class = ? AND state = 'pending' ORDER BY seq LIMIT 1`,
		func(r row) error {
			event, err := r.pending(1, class, lane)
			work = &store.Work{
				Seq:        r.int(0),
				Event:      event,
				Attempts:   int(r.int(7)),
				Replays:    int(r.int(8)),
				Settled:    r.int(9) != 0,
				Transcript: r.text(10),
			}

			return err
		}, lane, int64(class))
	if err != nil || work == nil {
		return nil, err
	}

	if work.Replies, err = readReplies(context.Background(), t.conn, work.Seq); err != nil {
		return nil, err
	}

	if work.Settled {
		work.Coalesced, err = t.readCoalesced(work.Seq, class, lane)
	}

	return work, err
}

// pending reads the columns id, kind, type, phone_number_id, received_at and payload of a pending event.
func (r row) pending(i int, class store.Class, lane string) (store.Event, error) {
	id, err := r.id(i)

	return store.Event{
		ID:            id,
		Kind:          store.Kind(r.text(i + 1)),
		Type:          r.text(i + 2),
		State:         store.Pending,
		Class:         class,
		Lane:          lane,
		PhoneNumberID: r.text(i + 3),
		ReceivedAt:    r.time(i + 4),
		Payload:       r.blob(i + 5),
	}, err
}

// The statements that end the lease on a lane. Only the row of a conversation stays, for its state.
const (
	idleConversation = `
		UPDATE conversations SET ready_at = NULL, set_at = NULL, token = NULL, head = NULL, starts = 0
		WHERE lane = ?1 AND class = ?2`
	idleOther = "DELETE FROM conversations WHERE lane = ?1 AND class = ?2"
	ifEmpty   = " AND NOT EXISTS (SELECT 1 FROM events WHERE lane = ?1 AND class = ?2 AND state = 'pending')"
)

// idle ends the lease on a lane without pending events.
func (t *tx) idle(lease store.LeaseRef) error {
	sql := idleConversation
	if lease.Class != store.Conversations {
		sql = idleOther
	}

	_, err := t.exec(sql, lease.Lane, int64(lease.Class))

	return err
}

// idleIfEmpty ends the lease on a lane if no event of it is pending, and reports whether it did.
func (t *tx) idleIfEmpty(lease store.LeaseRef) (isIdle bool, err error) {
	sql := idleConversation + ifEmpty
	if lease.Class != store.Conversations {
		sql = idleOther + ifEmpty
	}

	changed, err := t.exec(sql, lease.Lane, int64(lease.Class))

	return changed > 0, err
}

// Renew implements store.Queue.
func (s *Store) Renew(ctx context.Context, leases []store.LeaseRef, until time.Time) ([]store.LeaseRef, error) {
	var lost []store.LeaseRef

	err := s.writer.do(ctx, func(t *tx) error {
		lost = nil
		for _, lease := range leases {
			// The lease has its length again, so set_at moves with its end.
			held, err := t.exec(`
				UPDATE conversations SET set_at = set_at + ?1 - ready_at, ready_at = ?1
				WHERE lane = ?2 AND class = ?3 AND token = ?4`,
				until.UnixMilli(), lease.Lane, int64(lease.Class), lease.Token)
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

// Release implements store.Queue.
func (s *Store) Release(ctx context.Context, lease store.LeaseRef, now time.Time) error {
	err := s.writer.do(ctx, func(t *tx) error {
		held, err := t.release(lease, now)
		if err == nil && !held {
			return store.ErrLeaseLost
		}

		return err
	})
	if err != nil {
		return fmt.Errorf("release a lease: %w", err)
	}

	return nil
}

// release ends a lease without progress, and reports whether it was held.
func (t *tx) release(lease store.LeaseRef, now time.Time) (held bool, err error) {
	changed, err := t.exec(`
		UPDATE conversations SET ready_at = ?1, set_at = ?1, token = NULL, starts = max(starts - 1, 0)
		WHERE lane = ?2 AND class = ?3 AND token = ?4`,
		now.UnixMilli(), lease.Lane, int64(lease.Class), lease.Token)

	return changed > 0, err
}

// endLeases makes the lanes of a dead process due and ends its leaderships. The starts of lanes stay counted, so that
// an event that crashes the process can be recognized.
func endLeases(t *tx) error {
	_, err := t.exec(`
		UPDATE conversations SET ready_at = 0, set_at = 0, token = NULL
		WHERE class IN (0, 1, 2) AND ready_at IS NOT NULL AND token IS NOT NULL`)
	if err != nil {
		return err
	}

	return endLeaderships(t)
}

// endLeaderships lets the next candidate of each job lead it. The state that the leader published stays.
func endLeaderships(t *tx) error {
	_, err := t.exec("UPDATE duties SET until = 0, set_at = 0")
	return err
}
