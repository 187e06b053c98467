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
	arrival, err := s.IngestAndClaim(ctx, events, store.Offer{})

	return arrival.Fresh, err
}

// IngestAndClaim implements store.Queue.
func (s *Store) IngestAndClaim(ctx context.Context, events []store.Event, offer store.Offer) (store.Arrival, error) {
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return store.Arrival{}, fmt.Errorf("store events: %w", err)
		}
	}

	if len(events) == 0 {
		return store.Arrival{}, nil
	}

	d := &delivery{events: events, offer: offer}

	err := s.ingests.do(ctx, d)
	if err != nil && ctx.Err() != nil && !d.ended.CompareAndSwap(false, true) {
		err = nil // the leases were granted just before ctx ended
	}

	if err != nil {
		return store.Arrival{}, fmt.Errorf("store events: %w", err)
	}

	return d.result, nil
}

// ingestAll stores the events of deliveries.
func ingestAll(ctx context.Context, t *tx, calls []*groupcommit.Call[*delivery]) error {
	var (
		events     []*store.Event
		deliveries []*delivery
	)

	t.wrote = true

	for _, c := range calls {
		c.Value.begin()

		for i := range c.Value.events {
			events = append(events, &c.Value.events[i])
			deliveries = append(deliveries, c.Value)
		}
	}

	a, err := t.lookUpSends(ctx, events)
	if err != nil {
		return err
	}

	a.deliveries = deliveries

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
	t.completeLeases(calls)

	for _, c := range calls {
		c.Value.result.Fresh = fresh[:len(c.Value.events):len(c.Value.events)]
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
		l.arrive(e, a.seqs[i], a.delivery(i))

		if e.Status != nil {
			statuses = append(statuses, status{
				update:   e.Status,
				seq:      a.seqs[i],
				received: e.ReceivedAt.UnixMilli(),
				delivery: a.delivery(i),
			})
		}
	}

	t.insert(rows, l)

	if err := t.confirmSent(ctx, a, statuses, l); err != nil { // before the messages are known by their statuses
		return nil, err
	}

	t.applyStatuses(statuses)

	return fresh, nil
}

// arrive changes the rows of the persons and the lane of a new event. It leases the lane if it is idle and the delivery
// admits it.
func (l *lanes) arrive(e *store.Event, seq int64, d *delivery) {
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
			d.due(store.Conversations) // what waits may end
		}
	}

	if e.State != store.Pending {
		return
	}

	key := l.resolve(eventLane(e))
	if row := l.rows[key]; row.ready == nil && d.admits(e) {
		d.lease(row, e, seq)
	} else if l.wake(key, e.ReceivedAt.UnixMilli()) {
		d.due(e.Class)
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
