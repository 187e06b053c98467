// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// Advance implements store.Store.
func (s *Store) Advance(ctx context.Context, lease store.LeaseRef, event store.ID, step store.Step) (*store.Work, error) {
	if err := step.Validate(); err != nil {
		return nil, fmt.Errorf("record a step: %w", err)
	}

	a := &advance{
		lease: lease,
		lane:  leased(lease),
		event: event,
		step:  step,
	}
	if err := s.advances.do(ctx, a); err != nil {
		return nil, fmt.Errorf("record a step: %w", err)
	}

	return a.next, nil
}

// advance is a step to be recorded.
type advance struct {
	lease store.LeaseRef
	lane  laneKey
	event store.ID
	step  store.Step
	next  *store.Work
}

func (a *advance) weight() int { return 1 + len(a.step.Emit) }

// advanceAll records steps, those on the same lane one after the other: the first decides whether the lease stands.
func advanceAll(ctx context.Context, t *tx, calls []*groupcommit.Call[*advance]) error {
	for len(calls) > 0 {
		var now, later []*groupcommit.Call[*advance]

		lanes := map[laneKey]bool{}
		for _, c := range calls {
			if lanes[c.Value.lane] {
				later = append(later, c)
				continue
			}

			lanes[c.Value.lane] = true
			now = append(now, c)
		}

		if err := t.advance(ctx, now); err != nil {
			return err
		}

		calls = later
	}

	return nil
}

// head is what a step needs to know of its event.
type head struct {
	seq     int64
	binds   bool
	replies []store.Reply
}

// attempt is a step whose lease stands.
type attempt struct {
	*advance
	row    *lane
	head   *head
	after  []store.Reply // what the step makes of the replies
	behind []int64       // what it binds
}

func (t *tx) advance(ctx context.Context, calls []*groupcommit.Call[*advance]) error {
	n := newNeeds()

	emits, err := t.prepare(ctx, n, calls)
	if err != nil {
		return err
	}

	var (
		heads   map[store.ID]*head
		waiting map[store.ID]*waiting
	)

	l, err := t.lock(ctx, n, func() {
		heads = t.headsOf(calls)
		waiting = t.waiting(calls)
		t.number(emits)
	})
	if err != nil {
		return err
	}

	var attempts []*attempt

	emits.events = nil
	for _, c := range calls {
		a, err := c.Value.check(l.rows[c.Value.lane], heads[c.Value.event], waiting)
		if c.Err = err; err != nil {
			continue
		}

		attempts = append(attempts, a)
		for i := range a.step.Emit {
			emits.events = append(emits.events, &a.step.Emit[i])
		}
	}

	t.send(attempts)
	t.bind(attempts)

	for _, a := range attempts {
		if a.step.Resend != nil {
			if err := t.resend(ctx, l, a.step.Resend, a.step.Now.UnixMilli()); err != nil {
				return err
			}
		}
	}

	if _, err := t.store(ctx, emits, l); err != nil {
		return err
	}

	for _, a := range attempts {
		// The new name leads: it is under that one that the person will write.
		l.join(text(a.step.Join), a.lane.lane)
		l.converse(a.lane.lane, a.step.HumanUntil, a.step.TemplateRequired)
	}

	return t.finish(ctx, attempts, l)
}

// prepare looks at what steps change beyond their own events, and says which rows they need.
func (t *tx) prepare(ctx context.Context, n *needs, calls []*groupcommit.Call[*advance]) (*arrivals, error) {
	var (
		emits   []*store.Event
		resends []store.ID
	)
	for _, c := range calls {
		step := &c.Value.step
		lane := c.Value.lane
		n.lane(lane, need{})

		if step.HumanUntil != nil || step.TemplateRequired != nil {
			n.open(conversation(lane.lane))
		}

		n.join(text(step.Join), lane.lane)

		for i := range step.Emit {
			emits = append(emits, &step.Emit[i])
		}

		if step.Resend != nil {
			resends = append(resends, step.Resend.Event)
		}
	}

	if len(resends) > 0 {
		t.query("SELECT lane, class FROM events WHERE id = ANY($1) AND state = 'done' AND class <> 3", func(rows pgx.Rows) error {
			var of laneKey

			err := rows.Scan(&of.lane, (*int16)(&of.class))
			n.open(of)

			return err
		}, resends)

		if err := t.flush(ctx); err != nil {
			return nil, err
		}
	}

	a, err := t.announce(ctx, emits)
	if err != nil {
		return nil, err
	}

	a.need(n)

	return a, nil
}

// headsOf queues the reading of the events of steps. Replies are locked, where a step changes them, since a status may
// prove one sent.
func (t *tx) headsOf(calls []*groupcommit.Call[*advance]) map[store.ID]*head {
	heads := map[store.ID]*head{}
	bySeq := map[int64]*head{}

	var events, sends []store.ID
	for _, c := range calls {
		events = append(events, c.Value.event)
		if step := &c.Value.step; len(step.Answer) > 0 || step.Sent != nil || step.Unsent != nil || step.Sending != nil {
			sends = append(sends, c.Value.event)
		}
	}

	t.query("SELECT id, seq, binds FROM events WHERE id = ANY($1)", func(rows pgx.Rows) error {
		var id [16]byte

		h := &head{}
		err := rows.Scan(&id, &h.seq, &h.binds)
		heads[id] = h
		bySeq[h.seq] = h

		return err
	}, events)

	if len(sends) > 0 {
		t.query(`
			SELECT r.event, r.part, r.type, r.body, r.state, r.started_at, r.message_id, r.resends
			FROM replies r WHERE r.event = ANY(ARRAY(SELECT seq FROM events WHERE id = ANY($1)))
			ORDER BY r.event, r.part FOR UPDATE`,
			func(rows pgx.Rows) error {
				event, r, err := reply(rows)
				bySeq[event].replies = append(bySeq[event].replies, r)

				return err
			}, sends)
	}

	return heads
}

// check says what a step comes to, or why it cannot be recorded.
func (a *advance) check(row *lane, head *head, waiting map[store.ID]*waiting) (*attempt, error) {
	// The token decides: a lease past its end that nobody else took is as good as new.
	if row == nil || row.token == nil || *row.token != a.lease.Token || head == nil || row.head == nil || *row.head != head.seq {
		return nil, store.ErrLeaseLost
	}

	after, err := store.ApplyStep(head.replies, a.step)
	if err != nil {
		return nil, err
	}

	behind, err := behind(a, head, waiting)
	if err != nil {
		return nil, err
	}

	head.binds = head.binds || len(behind) > 0

	return &attempt{
		advance: a,
		row:     row,
		head:    head,
		after:   after,
		behind:  behind,
	}, nil
}
