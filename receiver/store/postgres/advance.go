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

// Advance implements store.Queue.
func (s *Store) Advance(ctx context.Context, lease store.LeaseRef, event store.ID, step store.Step) (*store.Work, error) {
	if err := step.Validate(); err != nil {
		return nil, fmt.Errorf("record a step: %w", err)
	}

	a := &advance{
		lease: lease,
		lane:  leaseLane(lease),
		event: event,
		step:  step,
	}
	if err := s.advances.do(ctx, a); err != nil {
		return nil, fmt.Errorf("record a step: %w", err)
	}

	return a.next, nil
}

// advance is a call that records a step.
type advance struct {
	lease store.LeaseRef
	lane  laneKey
	event store.ID
	step  store.Step
	next  *store.Work
}

// takeoverLane returns the name of the conversation whose Takeover the step changes.
func (a *advance) takeoverLane() string { return a.laneOr(a.step.TakeoverIn) }

// templateLane returns the name of the conversation whose TemplateRequired the step changes.
func (a *advance) templateLane() string { return a.laneOr(a.step.TemplateRequiredIn) }

// laneOr returns the lane of a conversation that the step names, or that of the lease if it names none.
func (a *advance) laneOr(name string) string {
	if name != "" {
		return sanitize(name)
	}

	return a.lane.lane
}

func (a *advance) weight() int { return 1 + len(a.step.Emit) }

// advanceAll records steps. Steps on the same lane are recorded one after the other, because the first decides whether
// the lease is still valid.
func advanceAll(ctx context.Context, t *tx, calls []*groupcommit.Call[*advance]) error {
	t.wrote = true

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

// head is the event that a step is about.
type head struct {
	seq       int64
	coalesces bool
	replies   []store.Reply
}

// attempt is a step whose lease is valid.
type attempt struct {
	*advance
	row       *lane
	head      *head
	after     []store.Reply // replies after the step
	coalesced []int64       // events that the step coalesces with the head
}

func (t *tx) advance(ctx context.Context, calls []*groupcommit.Call[*advance]) error {
	n := newLockSet()

	emits, err := t.collectLocks(ctx, n, calls)
	if err != nil {
		return err
	}

	var (
		heads      map[store.ID]*head
		candidates map[store.ID]*candidate
	)

	l, err := t.lock(ctx, n, func() {
		heads = t.stepHeads(calls)
		candidates = t.readCandidates(calls)
		t.assignSequence(emits)
	})
	if err != nil {
		return err
	}

	var attempts []*attempt

	emits.events = nil
	for _, c := range calls {
		a, err := c.Value.check(l, heads[c.Value.event], candidates)
		if c.Err = err; err != nil {
			continue
		}

		attempts = append(attempts, a)
		for i := range a.step.Emit {
			emits.events = append(emits.events, &a.step.Emit[i])
		}
	}

	t.writeReplies(attempts)
	t.coalesce(attempts)

	for _, a := range attempts {
		if a.step.Resend != nil {
			if err := t.resend(ctx, l, a.step.Resend, a.step.Now.UnixMilli()); err != nil {
				return err
			}
		}

		if a.step.Remove != nil {
			t.removeReply(a.step.Remove)
		}
	}

	if _, err := t.insertNew(ctx, emits, l); err != nil {
		return err
	}

	for _, a := range attempts {
		if a.step.Takeover != nil {
			l.takeOver(a.takeoverLane(), *a.step.Takeover, a.step.Now)
		}

		if a.step.TemplateRequired != nil {
			l.requireTemplate(a.templateLane(), *a.step.TemplateRequired)
		}

		if a.step.AIConversationID != nil {
			l.nameConversation(a.lane.lane, *a.step.AIConversationID, a.step.Now)
		}

		if a.step.Transcript != nil {
			t.exec("UPDATE events SET transcript = nullif($1, '') WHERE seq = $2", unlimited(*a.step.Transcript), a.head.seq)
		}
	}

	return t.finish(ctx, attempts, l)
}

// collectLocks adds the rows that steps change, beyond their own events, to the lock set.
func (t *tx) collectLocks(ctx context.Context, n *lockSet, calls []*groupcommit.Call[*advance]) (*arrivals, error) {
	var (
		emits   []*store.Event
		resends []store.ID
	)
	for _, c := range calls {
		step := &c.Value.step
		lane := c.Value.lane
		n.add(lane)

		if step.TemplateRequired != nil {
			n.addNamed(conversation(c.Value.templateLane()))
		}

		if step.Takeover != nil {
			n.addNamed(conversation(c.Value.takeoverLane()))
		}

		if step.AIConversationID != nil || step.Sending != nil && lane.class != store.Conversations {
			n.addNamed(conversation(lane.lane))
		}

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
			n.addNamed(of)

			return err
		}, resends)

		if err := t.flush(ctx); err != nil {
			return nil, err
		}
	}

	a, err := t.lookUpSends(ctx, emits)
	if err != nil {
		return nil, err
	}

	a.addLocks(n)

	return a, nil
}

// stepHeads queues the query of the events of steps. It locks the replies that a step changes, because a status may
// prove one sent at the same time.
func (t *tx) stepHeads(calls []*groupcommit.Call[*advance]) map[store.ID]*head {
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
		err := rows.Scan(&id, &h.seq, &h.coalesces)
		heads[id] = h
		bySeq[h.seq] = h

		return err
	}, events)

	if len(sends) > 0 {
		t.query(`
			SELECT `+replyColumnNames+` FROM replies r WHERE r.event = ANY(ARRAY(SELECT seq FROM events WHERE id = ANY($1)))
			ORDER BY r.event, r.part FOR UPDATE`,
			func(rows pgx.Rows) error {
				event, r, err := scanReply(rows)
				bySeq[event].replies = append(bySeq[event].replies, r)

				return err
			}, sends)
	}

	return heads
}

// check returns the attempt, or the reason why the step cannot be recorded.
func (a *advance) check(l *lanes, head *head, candidates map[store.ID]*candidate) (*attempt, error) {
	row := l.rows[a.lane]
	// The token decides: an expired lease that no other receiver has claimed is still valid.
	if row == nil || row.token == nil || *row.token != a.lease.Token || head == nil || row.head == nil || *row.head != head.seq {
		return nil, store.ErrLeaseLost
	}

	if a.step.Sending != nil && !a.step.ByDesk {
		takeover := &l.person(a.lane.lane).state.Takeover
		if takeover.Active(a.step.Now) && takeover.Event != a.event {
			return nil, store.ErrTakenOver
		}
	}

	after, err := store.ApplyStep(head.replies, a.step)
	if err != nil {
		return nil, err
	}

	coalesced, err := a.coalesced(head, candidates)
	if err != nil {
		return nil, err
	}

	head.coalesces = head.coalesces || len(coalesced) > 0 || a.step.Settled

	return &attempt{
		advance:   a,
		row:       row,
		head:      head,
		after:     after,
		coalesced: coalesced,
	}, nil
}
