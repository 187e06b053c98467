// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"

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

	attempts := checkAll(calls, l, heads, candidates)

	emits.events = nil

	for _, a := range attempts {
		for i := range a.step.Emit {
			emits.events = append(emits.events, &a.step.Emit[i])
		}
	}

	t.writeReplies(attempts)
	t.coalesce(attempts)

	if err := t.changeSends(ctx, attempts, l); err != nil {
		return err
	}

	if _, err := t.insertNew(ctx, emits, l); err != nil {
		return err
	}

	t.changeConversations(attempts, l)

	return t.finish(ctx, attempts, l)
}

// checkAll returns the attempts whose steps can be recorded. The other calls get their error.
func checkAll(
	calls []*groupcommit.Call[*advance],
	l *lanes,
	heads map[store.ID]*head,
	candidates map[store.ID]*candidate,
) []*attempt {
	var attempts []*attempt

	for _, c := range calls {
		a, err := c.Value.check(l, heads[c.Value.event], candidates)
		if c.Err = err; err != nil {
			continue
		}

		attempts = append(attempts, a)
	}

	return attempts
}

// changeSends makes the changes of the steps to sends and histories of other events.
func (t *tx) changeSends(ctx context.Context, attempts []*attempt, l *lanes) error {
	for _, a := range attempts {
		if a.step.Resend != nil {
			if err := t.resend(ctx, l, a.step.Resend, a.step.Now.UnixMilli()); err != nil {
				return err
			}
		}

		if a.step.Remove != nil {
			t.removeReply(a.step.Remove)
		}

		if a.step.Note != nil {
			if err := t.addNote(ctx, a.step.Note); err != nil {
				return err
			}
		}
	}

	return nil
}

// changeConversations makes the changes of the steps to conversations and transcripts.
func (t *tx) changeConversations(attempts []*attempt, l *lanes) {
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
