// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

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

// arrivals are events on their way into the store.
type arrivals struct {
	events []*store.Event
	stored map[store.ID]bool            // the events that are stored already
	sends  map[replyKey]unconfirmedSend // the sends that statuses among the events prove
	seqs   []int64                      // free positions in the order of arrival, for the events
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
		if e.Takeover != nil {
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

		if e.State == store.Pending && e.Class == store.Conversations && e.Kind == store.KindMessage {
			l.recordInbound(name, fromMillis(millis(e.ReceivedAt)))
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
