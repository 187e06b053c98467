// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"math/rand/v2"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// delivery is a call that stores events, all or none, and leases lanes that they make due.
type delivery struct {
	events []store.Event
	offer  store.Offer
	result store.Arrival
	lanes  []*lane     // of the leases in result
	ended  atomic.Bool // the caller has left, or will get the result
}

func (d *delivery) weight() int { return len(d.events) }

// begin forgets what an attempt that was rolled back has granted.
func (d *delivery) begin() {
	d.result = store.Arrival{}
	d.lanes = nil
}

// due records that a lane of a class may be due.
func (d *delivery) due(class store.Class) {
	if d != nil {
		d.result.Due[class] = true
	}
}

// admits reports whether the lane of a new event may be leased.
func (d *delivery) admits(e *store.Event) bool {
	if d == nil || e.ReceivedAt.After(d.offer.Now) {
		return false
	}

	granted := 0

	for i := range d.result.Leases {
		if d.result.Leases[i].Class == e.Class {
			granted++
		}
	}

	return granted < d.offer.Lanes[e.Class]
}

// lease leases an idle lane, with a new event as its head.
func (d *delivery) lease(row *lane, e *store.Event, seq int64) {
	row.extend(millis(d.offer.Now), d.offer.Until)
	row.waitsFor = ""
	row.token = new(rand.Int64()) //nolint:gosec // a token is unique, not secret
	row.head = &seq
	row.starts = 1

	d.lanes = append(d.lanes, row)
	d.result.Leases = append(d.result.Leases, store.Lease{
		LeaseRef: store.LeaseRef{
			Class: row.class,
			Lane:  row.lane,
			Token: *row.token,
		},
		Work: store.Work{
			Event:  asRead(e, row.laneKey),
			Seq:    seq,
			Starts: 1,
		},
	})
}

// asRead returns a new event as the store returns it when it is claimed.
func asRead(e *store.Event, key laneKey) store.Event {
	p := pending{
		id:       e.ID,
		received: e.ReceivedAt.UnixMilli(),
		event: store.Event{
			Kind:          e.Kind,
			Type:          sanitize(e.Type),
			PhoneNumberID: sanitize(e.PhoneNumberID),
		},
	}
	if len(e.Payload) > 0 {
		p.event.Payload = e.Payload
	}

	return p.toEvent(key)
}

// completeLeases drops the leases that were lost because two leased lanes were joined, and adds the state of the
// conversations. It queues the query of the lanes that the transaction has not locked, after which lanes of other classes are
// named.
func (t *tx) completeLeases(calls []*groupcommit.Call[*delivery]) {
	var names []string

	of := map[string][]*store.Lease{}

	for _, c := range calls {
		d := c.Value
		kept := d.result.Leases[:0]

		for i, lease := range d.result.Leases {
			row := d.lanes[i]
			if row.gone || row.token == nil || *row.token != lease.Token {
				continue
			}

			if row.class == store.Conversations {
				lease.Work.Conversation = row.state
			}

			kept = append(kept, lease)
		}

		d.result.Leases = kept

		for i := range kept {
			if kept[i].Class != store.Conversations {
				names = append(names, kept[i].Lane)
				of[kept[i].Lane] = append(of[kept[i].Lane], &kept[i])
			}
		}
	}

	if len(names) == 0 {
		return
	}

	t.query(`
		SELECT k.lane, `+stateColumns+` FROM unnest($1::text[]) k (lane)
		CROSS JOIN LATERAL (
			SELECT * FROM conversations c
			WHERE c.lane = coalesce((SELECT n.person FROM names n WHERE n.name = k.lane), k.lane) AND c.class = 0 LIMIT 1
		) c`,
		func(rows pgx.Rows) error {
			var (
				name  string
				state stateRow
			)

			err := rows.Scan(append([]any{&name}, state.targets()...)...)

			for _, lease := range of[name] {
				lease.Work.Conversation = state.conversation()
			}

			return err
		}, names)
}

// settle returns the leases of a delivery to its caller. If the caller has returned, it releases them; if that fails, they
// expire.
func (s *Store) settle(c *groupcommit.Call[*delivery]) {
	d := c.Value
	if c.Err != nil || len(d.result.Leases) == 0 || d.ended.CompareAndSwap(false, true) {
		return
	}

	leases := make([]store.LeaseRef, len(d.result.Leases))
	for i := range leases {
		leases[i] = d.result.Leases[i].LeaseRef
	}

	if _, err := s.release(context.Background(), leases, d.offer.Now); err != nil {
		s.options.Log.Warn("releasing the leases of a canceled call failed, so they expire", "error", err)
	}
}
