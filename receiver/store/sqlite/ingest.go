// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
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

	if err := s.disk.admit(events...); err != nil {
		return store.Arrival{}, fmt.Errorf("store events: %w", err)
	}

	a := &arrival{offer: offer}

	deliver := s.writer.deliver
	if store.AreDeferrable(events) {
		deliver = s.writer.deliverDeferrable
	}

	err := deliver(ctx, func(t *tx) error { return t.ingestAll(events, a) })
	if err != nil && ctx.Err() != nil {
		s.abandon(a)
	}

	if err != nil {
		return store.Arrival{}, fmt.Errorf("store events: %w", withDamage(withDiskFull(err)))
	}

	return a.result, nil
}

// ingestAll stores the events of a call.
func (t *tx) ingestAll(events []store.Event, a *arrival) (err error) {
	a.begin(len(events))

	for i := range events {
		if a.result.Fresh[i], err = t.ingest(&events[i], a); err != nil {
			return err
		}
	}

	return t.completeLeases(a, len(events) > 1 || events[0].Takeover != nil)
}

// The statements that insert an event: as it is, or in the lane of its person.
const (
	insertEvent = `
		INSERT INTO events (id, kind, type, state, class, lane, phone_number_id, received_at, finished_at, payload)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO NOTHING`
	insertPersonsEvent = `
		INSERT INTO events (id, kind, type, state, class, lane, phone_number_id, received_at, finished_at, payload)
		VALUES (?1, ?2, ?3, ?4, ?5, coalesce((SELECT person FROM names WHERE name = ?6), ?6), ?7, ?8, ?9, ?10)
		ON CONFLICT (id) DO NOTHING`
)

// ingest stores an event if it is new.
func (t *tx) ingest(e *store.Event, a *arrival) (fresh bool, err error) {
	received := e.ReceivedAt.UnixMilli()
	finished := any(received)
	class := store.NoClass
	sql := insertEvent

	switch {
	case e.State == store.Pending:
		finished = nil
		class = e.Class
	case e.State == store.Quarantined && e.Lane != "":
		class = e.Class // for a replay
	}

	if e.State == store.Pending && class == store.Conversations {
		sql = insertPersonsEvent
	}

	fresh, seq, err := t.insert(sql, e.ID[:], string(e.Kind), e.Type, string(e.State), int64(class), e.Lane,
		e.PhoneNumberID, received, finished, bytes(e.Payload))
	if err != nil || !fresh {
		return false, err
	}

	t.tally.Move(class, "", e.State)

	if err := t.reach(e, class, seq, a); err != nil {
		return false, err
	}

	if e.Status != nil {
		return true, t.applyStatus(seq, received, e.Status, a)
	}

	return true, nil
}

// reach makes the changes that a new event makes to its lane and person.
func (t *tx) reach(e *store.Event, class store.Class, seq int64, a *arrival) error {
	received := e.ReceivedAt.UnixMilli()

	if e.Lane == "" || e.State == store.Quarantined {
		return nil
	}

	for _, alias := range e.Aliases {
		if err := t.join(e.Lane, alias); err != nil {
			return err
		}
	}

	if e.State == store.Pending {
		if err := t.arrive(e, class, seq, a); err != nil {
			return err
		}
	} else if at, ok := e.InboundAt(); ok {
		if err := t.recordInbound(e.Lane, at.UnixMilli()); err != nil {
			return err
		}
	}

	if e.Takeover == nil {
		return nil
	}

	lane, err := t.ensurePerson(e.Lane)
	if err != nil {
		return err
	}

	a.due(store.Conversations) // what waits may end

	return t.takeOver(lane, e.Takeover, received)
}

// arrive leases the lane of a new event if it is idle and a caller has capacity for it, and else makes it due.
func (t *tx) arrive(e *store.Event, class store.Class, seq int64, a *arrival) error {
	if a.admits(class, e.ReceivedAt) {
		isLeased, err := t.leaseIdle(e, class, seq, a)
		if err != nil || isLeased {
			return err
		}
	}

	became, err := t.makeDue(e, class, e.ReceivedAt.UnixMilli())
	if became {
		a.due(class)
	}

	return err
}

// makeDue makes the lane of a new event due, unless it is leased or waits for a retry of an earlier event, and records
// when the person wrote. A lane that waits for its first claim is due since the earliest receipt: a clock that was ahead
// delays no later message. A message less than a minute after the recorded one changes nothing, so that most messages of
// a burst write nothing here. It reports false if the lane certainly did not become due.
func (t *tx) makeDue(e *store.Event, class store.Class, received int64) (became bool, err error) {
	if class != store.Conversations {
		return t.wake(e.Lane, class, received)
	}

	var inbound any
	if at, ok := e.InboundAt(); ok {
		inbound = at.UnixMilli()
	}

	changed, err := t.exec(`
		INSERT INTO conversations (lane, class, ready_at, set_at, last_inbound_at)
		VALUES (coalesce((SELECT person FROM names WHERE name = ?1), ?1), 0, ?2, ?2, ?3)
		ON CONFLICT (lane, class) DO UPDATE SET
			ready_at = iif(head IS NULL, coalesce(min(ready_at, excluded.ready_at), excluded.ready_at), ready_at),
			set_at = iif(head IS NULL AND (ready_at IS NULL OR excluded.ready_at < ready_at), excluded.set_at, set_at),
			last_inbound_at =
				coalesce(max(last_inbound_at, excluded.last_inbound_at), last_inbound_at, excluded.last_inbound_at),
			template_required = template_required AND NOT coalesce(excluded.last_inbound_at >= coalesce(last_inbound_at, 0), false)
		WHERE ready_at IS NULL OR head IS NULL AND excluded.ready_at < ready_at
			OR excluded.last_inbound_at >= coalesce(last_inbound_at, 0) + 60000
			OR template_required AND excluded.last_inbound_at >= coalesce(last_inbound_at, 0)`,
		e.Lane, received, inbound)

	return changed > 0, err
}

// recordInbound records that a person called, as makeDue does of a message.
func (t *tx) recordInbound(name string, at int64) error {
	lane, err := t.ensurePerson(name)
	if err != nil {
		return err
	}

	_, err = t.exec(`
		UPDATE conversations SET last_inbound_at = ?1, template_required = false
		WHERE lane = ?2 AND class = 0 AND (?1 >= coalesce(last_inbound_at, 0) + 60000 OR template_required AND ?1 >= coalesce(last_inbound_at, 0))`,
		at, lane)

	return err
}

// wake makes a lane due at now, unless it is leased, waits for a retry, or is due earlier. It reports whether it did.
func (t *tx) wake(lane string, class store.Class, now int64) (became bool, err error) {
	changed, err := t.exec(`
		INSERT INTO conversations (lane, class, ready_at, set_at) VALUES (?1, ?2, ?3, ?3)
		ON CONFLICT (lane, class) DO UPDATE SET ready_at = excluded.ready_at, set_at = excluded.set_at
		WHERE ready_at IS NULL OR head IS NULL AND excluded.ready_at < ready_at`,
		lane, int64(class), now)

	return changed > 0, err
}

// applyStatus stores a status if it is the furthest of its message, and records the send that it proves.
func (t *tx) applyStatus(seq, received int64, u *store.StatusUpdate, a *arrival) error {
	if u.ReplyTo != (store.ID{}) {
		if err := t.confirmSent(received, u, a); err != nil { // before the message is known by its status
			return err
		}
	}

	_, err := t.exec(`
		INSERT INTO statuses (event, phone_number_id, message_id, participant, type, status, rank, at, error_code)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (message_id, phone_number_id, participant, type) DO UPDATE SET
			event = excluded.event, status = excluded.status, rank = excluded.rank, at = excluded.at,
			error_code = excluded.error_code
		WHERE excluded.rank > rank`,
		seq, u.PhoneNumberID, u.MessageID, u.Participant, u.Type, u.Status, int64(u.Rank), u.At.UnixMilli(), int64(u.ErrorCode))

	return err
}

// confirmSent records the send that a status proves. A failed status proves it too, since it contains Meta's id of the
// message. A later status of a message proves nothing, since the first one has.
func (t *tx) confirmSent(now int64, u *store.StatusUpdate, a *arrival) error {
	sent, err := t.exec(`
		UPDATE replies SET state = 'sent', message_id = ?1
		WHERE event = (SELECT seq FROM events WHERE id = ?2) AND part = ?3 AND resends = ?4 AND state = 'sending'
			AND (fallback OR NOT ?6) AND NOT EXISTS (SELECT 1 FROM statuses WHERE message_id = ?1 AND phone_number_id = ?5)`,
		u.MessageID, u.ReplyTo[:], int64(u.ReplyPart), int64(u.ReplyResend), u.PhoneNumberID, u.ReplyFallback)
	if err != nil || sent == 0 {
		return err
	}

	a.due(store.Conversations)

	// The lane becomes due early only if it waits for this event and not for another.
	_, err = t.exec(`
		UPDATE conversations SET ready_at = min(ready_at, ?1), waits_for = NULL
		WHERE (lane, class, head) = (SELECT lane, class, seq FROM events WHERE id = ?2) AND token IS NULL AND ready_at IS NOT NULL`,
		now, u.ReplyTo[:])

	return err
}
