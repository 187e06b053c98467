// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// Ingest implements store.Inbox.
func (s *Store) Ingest(ctx context.Context, events []store.Event) ([]bool, error) {
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return nil, fmt.Errorf("store events: %w", err)
		}
	}

	if len(events) == 0 {
		return nil, nil
	}

	d := &delivery{events: events}
	if err := s.ingests.do(ctx, d); err != nil {
		return nil, fmt.Errorf("store events: %w", err)
	}

	return d.fresh, nil
}

// IngestAndClaim implements store.Queue. It leases none: the next claim does.
func (s *Store) IngestAndClaim(ctx context.Context, events []store.Event, _ store.Offer) (store.Arrival, error) {
	fresh, err := s.Ingest(ctx, events)
	if err != nil {
		return store.Arrival{}, err
	}

	arrival := store.Arrival{Fresh: fresh}

	for i := range fresh {
		if !fresh[i] {
			continue
		}

		e := &events[i]
		if e.State == store.Pending {
			arrival.Due[e.Class] = true
		}

		// The status may confirm a send with unknown outcome, and the takeover may end what waits.
		if e.Status != nil && e.Status.ReplyTo != (store.ID{}) || e.Takeover != nil {
			arrival.Due[store.Conversations] = true
		}
	}

	return arrival, nil
}

// delivery is a call that stores events, all or none.
type delivery struct {
	events []store.Event
	fresh  []bool
}

func (d *delivery) weight() int { return len(d.events) }

// ingestAll stores the events of deliveries.
func ingestAll(ctx context.Context, t *tx, calls []*groupcommit.Call[*delivery]) error {
	var events []*store.Event
	for _, c := range calls {
		for i := range c.Value.events {
			events = append(events, &c.Value.events[i])
		}
	}

	a, err := t.lookUpSends(ctx, events)
	if err != nil {
		return err
	}

	n := newLockSet()
	a.addLocks(n)

	l, err := t.lock(ctx, n, func() { t.assignSequence(a) })
	if err != nil {
		return err
	}

	fresh, err := t.insertNew(ctx, a, l)
	if err != nil {
		return err
	}

	l.save(t)

	for _, c := range calls {
		c.Value.fresh = fresh[:len(c.Value.events):len(c.Value.events)]
		fresh = fresh[len(c.Value.events):]
	}

	return nil
}

// insertNew queues the inserts of new events, and changes their lanes, which the caller saves. It reports for each
// event whether it is new. An event without a lane that another receiver stores at the same time is a conflict, which
// restarts the transaction.
func (t *tx) insertNew(ctx context.Context, a *arrivals, l *lanes) ([]bool, error) {
	if len(a.events) == 0 {
		return nil, nil
	}

	slices.Sort(a.seqs)

	if len(a.seqs) < len(a.events) {
		return nil, errors.New("the database returned fewer sequence numbers than there are events")
	}

	fresh := make([]bool, len(a.events))

	var (
		rows     []newEvent
		statuses []status
	)
	for i, e := range a.events {
		if a.stored[e.ID] {
			continue
		}

		a.stored[e.ID] = true
		fresh[i] = true

		rows = append(rows, newEvent{event: e, seq: a.seqs[i]})
		t.tally.Move(e.Class, "", e.State)
		l.arrive(e)

		if e.Status != nil {
			statuses = append(statuses, status{
				update:   e.Status,
				seq:      a.seqs[i],
				received: e.ReceivedAt.UnixMilli(),
			})
		}
	}

	t.insert(rows, l)
	t.applyStatuses(statuses)

	return fresh, t.confirmSent(ctx, a, statuses, l)
}

// arrive changes the rows of the persons and the lane of a new event.
func (l *lanes) arrive(e *store.Event) {
	if e.State != store.Quarantined && e.Lane != "" {
		name := sanitize(e.Lane)
		for _, alias := range e.Aliases {
			l.join(name, sanitize(alias))
		}

		if at, ok := e.InboundAt(); ok {
			l.recordInbound(name, fromMillis(millis(at)))
		}

		if e.Takeover != nil {
			l.takeOver(name, *e.Takeover, e.ReceivedAt)
		}
	}

	if e.State == store.Pending {
		l.wake(l.resolve(eventLane(e)), e.ReceivedAt.UnixMilli())
	}
}

// newEvent is a row to insert.
type newEvent struct {
	event *store.Event
	seq   int64
}

// insert queues the insert of events in the order of their ids, so that two receivers that store the same events at the
// same time do not deadlock.
func (t *tx) insert(rows []newEvent, l *lanes) {
	if len(rows) == 0 {
		return
	}

	slices.SortFunc(rows, func(a, b newEvent) int { return bytes.Compare(a.event.ID[:], b.event.ID[:]) })
	n := len(rows)
	seqs := make([]int64, n)
	classes := make([]int16, n)
	received := make([]int64, n)
	finished := make([]*int64, n)
	ids := make([]store.ID, n)
	kinds := make([]string, n)
	types := make([]string, n)
	states := make([]string, n)
	lanes := make([]string, n)
	numbers := make([]string, n)

	payloads := make([][]byte, n)
	for i, r := range rows {
		e := r.event
		seqs[i] = r.seq
		ids[i] = e.ID
		kinds[i] = string(e.Kind)
		types[i] = e.Type
		states[i] = string(e.State)
		lanes[i] = l.resolve(eventLane(e)).lane
		numbers[i] = e.PhoneNumberID
		received[i] = e.ReceivedAt.UnixMilli()
		payloads[i] = e.Payload

		classes[i] = int16(e.Class)
		if e.State != store.Pending {
			lanes[i] = e.Lane
			finished[i] = &received[i]
			// A quarantined event can be replayed, so it keeps its place.
			if e.State != store.Quarantined || e.Lane == "" {
				classes[i] = int16(store.NoClass)
			}
		}
	}

	t.exec(`
		INSERT INTO events (seq, id, kind, type, state, class, lane, phone_number_id, received_at, finished_at, payload)
		SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[],
			$8::text[], $9::bigint[], $10::bigint[], $11::bytea[])`,
		seqs, ids, kinds, types, states, classes, lanes, numbers, received, finished, payloads)
}
