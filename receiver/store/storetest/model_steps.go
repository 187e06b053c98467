// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// after returns the events that can be coalesced with a head: the first ones without replies or coalesced events of
// their own.
func (l *modelLane) after(head *modelEvent) []*modelEvent {
	var found []*modelEvent
	for _, e := range l.events {
		if e.place <= head.place || e.state != store.Pending || e.boundTo == head {
			continue
		}

		if e.boundTo != nil || e.binds || len(e.replies) > 0 {
			break
		}

		found = append(found, e)
	}

	return found
}

// coalesce peeks behind a head and coalesces some of the events with it.
func (m *model) coalesce(t *rapid.T) {
	h := m.hold(t)
	lane := m.lane(h.ref.Class, h.ref.Lane)

	found, err := m.store.Peek(t.Context(), h.ref, 3)
	if lane.token != h.ref.Token {
		if !errors.Is(err, store.ErrLeaseLost) {
			t.Fatalf("Peek on a lost lease returned %v", err)
		}

		return
	}

	want := lane.after(lane.head)
	want = want[:min(len(want), 3)]

	same := slices.EqualFunc(found, want, func(got store.Event, want *modelEvent) bool {
		return fmt.Sprint(got) == fmt.Sprint(want.event)
	})
	if err != nil || !same {
		t.Fatalf("Peek returned %v, %v", found, err)
	}

	if lane.head != h.event {
		return
	}

	step := store.Step{Now: m.now, Settled: rapid.Bool().Draw(t, "settled")}
	if len(want) == 0 && !step.Settled {
		return
	}

	bound := slices.DeleteFunc(want, func(*modelEvent) bool { return rapid.Bool().Draw(t, "gap") })
	for _, e := range bound {
		step.Coalesced = append(step.Coalesced, e.event.ID)
	}

	if _, held := m.advance(t, h, step); !held {
		return
	}

	h.event.starts = 1

	h.event.binds = h.event.binds || step.Settled || len(bound) > 0
	for _, e := range bound {
		e.boundTo = h.event
	}
}

// resend resends the reply to any event, from any lane.
func (m *model) resend(t *rapid.T) {
	h := m.hold(t)
	name := fmt.Sprintf(`{"id":"%d"}`, rapid.IntRange(0, 19).Draw(t, "event"))

	e := m.events[name]
	if e == nil {
		t.Skip("it has not arrived")
	}

	if _, held := m.advance(t, h, store.Step{Now: m.now, Resend: &store.ReplyRef{Event: e.event.ID}}); !held {
		return
	}

	h.event.starts = 1

	if e.state != store.Done || len(e.replies) == 0 || e.replies[0].State != store.Sent {
		return
	}

	e.state = store.Pending
	if e.event.Class == store.Conversations {
		e.event.Lane = m.person(e.event.Lane).lane
	}

	e.replies[0].State = store.Planned
	e.replies[0].MessageID = ""

	e.replies[0].Resends++
	if lane := m.lane(e.event.Class, e.event.Lane); lane.ready.IsZero() {
		lane.ready = m.now
	}
}

func (m *model) emit(t *rapid.T) {
	h := m.hold(t)

	events := m.draw(t)
	if _, held := m.advance(t, h, store.Step{Now: m.now, Emit: events}); held {
		h.event.starts = 1

		m.ingested(events, store.Offer{})
	}
}
