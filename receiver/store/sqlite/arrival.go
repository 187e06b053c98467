// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"math/rand/v2"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// arrival is a call that stores events, and the leases that it grants. A nil arrival grants none.
type arrival struct {
	offer  store.Offer
	result store.Arrival
}

// begin forgets what an attempt that was rolled back has granted.
func (a *arrival) begin(events int) {
	a.result = store.Arrival{Fresh: make([]bool, events)}
}

// due records that a lane of a class may be due.
func (a *arrival) due(class store.Class) {
	if a != nil {
		a.result.Due[class] = true
	}
}

// admits reports whether the lane of an event may be leased.
func (a *arrival) admits(class store.Class, received time.Time) bool {
	if a == nil || received.After(a.offer.Now) {
		return false
	}

	granted := 0

	for i := range a.result.Leases {
		if a.result.Leases[i].Class == class {
			granted++
		}
	}

	return granted < a.offer.Lanes[class]
}

// leaseIdle leases the lane of a new event if it is idle, with the event as its head, and reports whether it was.
func (t *tx) leaseIdle(e *store.Event, class store.Class, seq int64, a *arrival) (isLeased bool, err error) {
	lease := store.Lease{
		LeaseRef: store.LeaseRef{
			Class: class,
			Lane:  e.Lane,
			Token: rand.Int64(), //nolint:gosec // a token is unique, not secret
		},
		Work: store.Work{
			Event:  asRead(e),
			Seq:    seq,
			Starts: 1,
		},
	}

	if class == store.Conversations {
		isLeased, err = t.leaseConversation(&lease, e, a.offer)
	} else {
		isLeased, err = t.leaseOther(&lease, a.offer)
	}

	if isLeased {
		a.result.Leases = append(a.result.Leases, lease)
	}

	return isLeased, err
}

// leaseConversation leases an idle conversation, and records when the person wrote, as makeDue does.
func (t *tx) leaseConversation(lease *store.Lease, e *store.Event, offer store.Offer) (isLeased bool, err error) {
	var inbound any
	if at, ok := e.InboundAt(); ok {
		inbound = at.UnixMilli()
	}

	complete := false
	err = t.returning(`
		INSERT INTO conversations (lane, class, ready_at, set_at, token, head, starts, last_inbound_at)
		VALUES (coalesce((SELECT person FROM names WHERE name = ?1), ?1), 0, ?2, ?3, ?4, ?5, 1, ?6)
		ON CONFLICT (lane, class) DO UPDATE SET
			ready_at = excluded.ready_at, set_at = excluded.set_at, token = excluded.token, head = excluded.head, starts = 1,
			last_inbound_at = iif(excluded.last_inbound_at >= coalesce(last_inbound_at, 0) + 60000
				OR template_required AND excluded.last_inbound_at >= coalesce(last_inbound_at, 0),
				excluded.last_inbound_at, last_inbound_at),
			template_required = template_required AND NOT coalesce(excluded.last_inbound_at >= coalesce(last_inbound_at, 0), false)
		WHERE ready_at IS NULL
		RETURNING lane, `+stateSummaryColumns,
		func(r row) error {
			isLeased = true
			lease.Lane = r.text(0)
			lease.Work.Event.Lane = lease.Lane
			lease.Work.Conversation, complete = r.stateSummary(1)

			return nil
		}, e.Lane, offer.Until.UnixMilli(), offer.Now.UnixMilli(), lease.Token, lease.Work.Seq, inbound)

	if err == nil && isLeased && !complete {
		_, lease.Work.Conversation, err = t.person(lease.Lane)
	}

	return isLeased, err
}

// leaseOther leases an idle lane of another class, of which there is no row.
func (t *tx) leaseOther(lease *store.Lease, offer store.Offer) (isLeased bool, err error) {
	inserted, err := t.exec(`
		INSERT INTO conversations (lane, class, ready_at, set_at, token, head, starts) VALUES (?, ?, ?, ?, ?, ?, 1)
		ON CONFLICT DO NOTHING`,
		lease.Lane, int64(lease.Class), offer.Until.UnixMilli(), offer.Now.UnixMilli(), lease.Token, lease.Work.Seq)

	return inserted > 0, err
}

// completeLeases reads the state of conversations that is not known from the grant of a lease: of the persons that lanes
// of other classes are named after, and what the events after the head of a conversation may have changed. It drops a lease
// that was lost because two leased lanes were joined.
func (t *tx) completeLeases(a *arrival, mayChange bool) error {
	kept := a.result.Leases[:0]

	for _, lease := range a.result.Leases {
		isConversation := lease.Class == store.Conversations

		if isConversation && mayChange {
			isHeld, err := t.isHeld(lease.LeaseRef)
			if err != nil {
				return err
			}

			if !isHeld {
				continue
			}
		}

		if !isConversation || mayChange {
			var err error
			if _, lease.Work.Conversation, err = t.person(lease.Lane); err != nil {
				return err
			}
		}

		kept = append(kept, lease)
	}

	a.result.Leases = kept

	return nil
}

func (t *tx) isHeld(lease store.LeaseRef) (isHeld bool, err error) {
	err = t.query("SELECT 1 FROM conversations WHERE lane = ? AND class = ? AND token = ?",
		func(row) error { isHeld = true; return nil }, lease.Lane, int64(lease.Class), lease.Token)

	return isHeld, err
}

// abandon releases the leases of a call whose caller has returned. It is queued behind the call. If the queue is full, the
// leases expire.
func (s *Store) abandon(a *arrival) {
	if a.offer.Lanes == [3]int{} {
		return
	}

	_, _ = s.writer.queues.steps.Submit(func(t *tx) error {
		for _, lease := range a.result.Leases {
			if _, err := t.release(lease.LeaseRef, a.offer.Now); err != nil {
				return err
			}
		}

		return nil
	})
}

// asRead returns a new event as the store returns it when it is claimed.
func asRead(e *store.Event) store.Event {
	read := store.Event{
		ID:            e.ID,
		Kind:          e.Kind,
		Type:          e.Type,
		State:         store.Pending,
		Class:         e.Class,
		Lane:          e.Lane,
		PhoneNumberID: e.PhoneNumberID,
		ReceivedAt:    time.UnixMilli(e.ReceivedAt.UnixMilli()).UTC(),
	}
	if len(e.Payload) > 0 {
		read.Payload = e.Payload
	}

	return read
}
