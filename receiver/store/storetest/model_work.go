// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"time"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// held reports whether a worker still has its lane, with its event at the head.
func (m *model) held(h hold) bool {
	lane := m.lane(h.ref.Class, h.ref.Lane)
	return lane.token == h.ref.Token && lane.head == h.event
}

// advance records a step for a worker, and reports whether the worker still had the lane.
func (m *model) advance(t *rapid.T, h hold, step store.Step) (*store.Work, bool) {
	next, err := m.store.Advance(t.Context(), h.ref, h.event.event.ID, step)

	if !m.held(h) {
		if !errors.Is(err, store.ErrLeaseLost) {
			t.Fatalf("Advance on a lost lease returned %v", err)
		}

		return nil, false
	}

	if err != nil {
		t.Fatalf("Advance: %v", err)
	}

	return next, true
}

func (m *model) end(t *rapid.T) {
	h := m.hold(t)
	state := rapid.SampledFrom([]store.State{store.Done, store.Skipped, store.Human, store.Expired, store.Dead}).Draw(t, "state")

	next, held := m.advance(t, h, end(state, m.now))
	if !held {
		return
	}

	lane := m.lane(h.ref.Class, h.ref.Lane)
	h.event.state = state

	h.event.starts = 0
	for _, e := range lane.events {
		if e.boundTo == h.event && e.state == store.Pending {
			e.state = state
		}
	}

	lane.head = lane.oldest()
	if lane.head == nil {
		*lane = modelLane{events: lane.events}

		if next != nil {
			t.Fatalf("the last event is followed by %v", next)
		}

		return
	}

	lane.head.starts = 1
	if next == nil {
		t.Fatalf("%s returned no event, want %s", h.ref.Lane, lane.head.event.ID)
	}

	m.checkWork(t, h.ref, next)
}

func (m *model) send(t *rapid.T) {
	h := m.hold(t)
	if len(h.event.replies) > 0 && h.event.replies[0].State == store.Sent {
		t.Skip("it is sent")
	}

	step := store.Step{
		Now:     m.now,
		Answer:  []store.Reply{{Type: "text", Body: []byte("answer")}},
		Sending: new(0),
	}

	step.ByDesk = rapid.Bool().Draw(t, "by desk")

	if takenOver := m.person(h.ref.Lane).state.Takeover.Active(m.now); takenOver && !step.ByDesk && m.held(h) {
		if _, err := m.store.Advance(t.Context(), h.ref, h.event.event.ID, step); !errors.Is(err, store.ErrTakenOver) {
			t.Fatalf("a send while people have the conversation returned %v", err)
		}

		return
	}

	if _, held := m.advance(t, h, step); held {
		h.event.starts = 1

		resends := 0
		if len(h.event.replies) > 0 {
			resends = h.event.replies[0].Resends
		}

		h.event.replies = []store.Reply{
			{
				Type:      "text",
				Body:      []byte("answer"),
				State:     store.Sending,
				StartedAt: m.now,
				Resends:   resends,
			},
		}
	}
}

func (m *model) sent(t *rapid.T) {
	h := m.hold(t)
	if len(h.event.replies) == 0 {
		t.Skip("nothing was sent")
	}

	if _, held := m.advance(t, h, store.Step{Now: m.now, Sent: &store.SentRef{MessageID: "wamid"}}); held {
		h.event.starts = 1
		h.event.replies[0].State = store.Sent
		h.event.replies[0].MessageID = "wamid"
	}
}

func (m *model) transcribe(t *rapid.T) {
	h := m.hold(t)
	text := rapid.SampledFrom([]string{"Hello", "Goodbye", ""}).Draw(t, "text")

	if _, held := m.advance(t, h, store.Step{Now: m.now, Transcript: &text}); held {
		h.event.starts = 1
		h.event.transcript = text
	}
}

func (m *model) postpone(t *rapid.T) {
	h := m.hold(t)
	spent := rapid.Bool().Draw(t, "spent")
	scope := rapid.SampledFrom(append(scopes, "")).Draw(t, "scope")

	retryAt := m.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)

	step := postpone(m.now, retryAt, spent)
	step.Outcome.WaitsFor = scope

	if _, held := m.advance(t, h, step); !held {
		return
	}

	lane := m.lane(h.ref.Class, h.ref.Lane)
	lane.ready = retryAt
	lane.waits = scope
	lane.token = 0

	h.event.starts = 0
	if spent {
		h.event.attempts++
	}
}

func (m *model) wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "seconds")) * time.Second)
}

func (m *model) reopen(t *rapid.T) {
	if err := m.store.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}

	m.open()

	if m.exclusive {
		m.endLeases()
	}
}

// move moves the store, which ends all leases, and goes on with the other engine.
func (m *model) move(t *rapid.T) {
	if err := m.store.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}

	m.now = m.now.Add(leaseTime + time.Second)

	exclusive, err := m.factory.Move(m.place, m.now)
	if err != nil {
		t.Fatalf("Move: %v", err)
	}

	m.exclusive = exclusive
	m.open()
	m.endLeases()
}

func (m *model) endLeases() {
	for _, lane := range m.lanes {
		if lane.token != 0 {
			lane.ready = time.UnixMilli(0)
			lane.token = 0
		}
	}
}
