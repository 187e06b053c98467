// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// arrivals are events on their way into the store.
type arrivals struct {
	events []*store.Event
	stored map[store.ID]bool            // the events that are stored already
	sends  map[replyKey]unconfirmedSend // the sends that statuses among the events prove
	seqs   []int64                      // free positions in the order of arrival, for the events

	deliveries []*delivery // that brought the events; none for those of steps
}

type replyKey struct {
	event store.ID
	part  int
}

// unconfirmedSend locates a reply whose send has an unknown outcome.
type unconfirmedSend struct {
	event int64
	lane  laneKey
}

// delivery returns the delivery that brought an event, or nil.
func (a *arrivals) delivery(i int) *delivery {
	if i >= len(a.deliveries) {
		return nil
	}

	return a.deliveries[i]
}

func eventLane(e *store.Event) laneKey {
	return laneKey{lane: sanitize(e.Lane), class: e.Class}
}

// lookUpSends returns the events as arrivals, with the unconfirmed sends that their statuses prove. It runs before the
// lanes are locked.
func (t *tx) lookUpSends(ctx context.Context, events []*store.Event) (*arrivals, error) {
	a := &arrivals{
		events: events,
		stored: map[store.ID]bool{},
		sends:  map[replyKey]unconfirmedSend{},
	}

	var replies []store.ID
	for _, e := range events {
		if e.Status != nil && e.Status.ReplyTo != (store.ID{}) {
			replies = append(replies, e.Status.ReplyTo)
		}
	}

	if len(replies) == 0 {
		return a, nil
	}

	t.query(`
		SELECT e.id, r.part, e.seq, e.lane, e.class FROM events e JOIN replies r ON r.event = e.seq
		WHERE e.id = ANY($1) AND r.state = 'sending'`,
		func(rows pgx.Rows) error {
			var (
				of    [16]byte
				part  int
				found unconfirmedSend
			)

			err := rows.Scan(&of, &part, &found.event, &found.lane.lane, (*int16)(&found.lane.class))
			a.sends[replyKey{event: of, part: part}] = found

			return err
		}, replies)

	return a, t.flush(ctx)
}

// addLocks adds the rows that the events need to the lock set. It does not know yet which events are stored already.
func (a *arrivals) addLocks(n *lockSet) {
	for _, found := range a.sends {
		n.addNamed(found.lane)
	}

	for _, e := range a.events {
		if e.State == store.Pending {
			n.addNamed(eventLane(e))
		}

		if e.State == store.Quarantined || e.Lane == "" {
			continue
		}

		name := sanitize(e.Lane)
		if e.Takeover != nil || !e.SentAt.IsZero() {
			n.addNamed(conversation(name))
		}

		for _, alias := range e.Aliases {
			n.addJoin(name, sanitize(alias))
		}
	}
}

// assignSequence queues the queries that must run after the lanes are locked: the numbers for the events, and the check
// which of them are stored. A receiver that stores one of them at the same time holds the lock of its lane.
func (t *tx) assignSequence(a *arrivals) {
	if len(a.events) == 0 {
		return
	}

	a.seqs = nil

	ids := make([]store.ID, len(a.events))
	for i, e := range a.events {
		ids[i] = e.ID
	}

	t.query("SELECT id FROM events WHERE id = ANY($1)", func(rows pgx.Rows) error {
		var id [16]byte

		err := rows.Scan(&id)
		a.stored[id] = true

		return err
	}, ids)
	t.query("SELECT nextval('events_seq') FROM generate_series(1, $1)", func(rows pgx.Rows) error {
		var seq int64

		err := rows.Scan(&seq)
		a.seqs = append(a.seqs, seq)

		return err
	}, len(a.events))
}
