// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// hold is a lease that a worker has, perhaps lost, with its event.
type hold struct {
	ref   store.LeaseRef
	event *modelEvent
}

func (m *model) claim(t *rapid.T) {
	classes := []store.Class{store.Conversations, store.Conversations, store.Statuses, store.Notices}
	class := rapid.SampledFrom(classes).Draw(t, "class")
	limit := rapid.IntRange(1, 3).Draw(t, "limit")

	var due []time.Time
	for name, lane := range m.lanes {
		if name.class == class && !lane.ready.IsZero() && !lane.ready.After(m.now) {
			due = append(due, lane.ready)
		}
	}

	slices.SortFunc(due, time.Time.Compare)

	until := m.now.Add(leaseTime)

	leases, err := m.store.Claim(t.Context(), class, m.now, until, limit)
	if err != nil || len(leases) != min(limit, len(due)) {
		t.Fatalf("Claim returned %d lanes, %v, want %d", len(leases), err, min(limit, len(due)))
	}

	m.checkLeases(t, leases, due, until)
}

// checkLeases compares leases with the times at which the claimed lanes were due.
func (m *model) checkLeases(t *rapid.T, leases []store.Lease, due []time.Time, until time.Time) {
	for i, lease := range leases {
		lane := m.lane(lease.Class, lease.Lane)
		if !lane.ready.Equal(due[i]) {
			t.Fatalf("%s was claimed, due at %v, want one due at %v", lease.Lane, lane.ready, due[i])
		}

		head := lane.oldest()
		if lane.head != head {
			head.starts = 0
		}

		head.starts++
		lane.ready = until
		lane.waits = ""
		lane.token = lease.Token
		lane.head = head

		m.checkWork(t, lease.LeaseRef, &lease.Work)
	}
}

// checkWork compares leased work with the head of its lane.
func (m *model) checkWork(t *rapid.T, ref store.LeaseRef, work *store.Work) {
	head := m.lane(ref.Class, ref.Lane).head

	want := store.Work{
		Event:        head.event,
		Seq:          work.Seq,
		Attempts:     head.attempts,
		Replays:      head.replays,
		Settled:      head.binds,
		Starts:       head.starts,
		Replies:      head.replies,
		Transcript:   head.transcript,
		Conversation: m.person(ref.Lane).seen(t, work.Conversation),
	}
	for _, e := range m.lane(ref.Class, ref.Lane).events {
		if e.boundTo == head && e.state == store.Pending {
			want.Coalesced = append(want.Coalesced, e.event)
		}
	}

	if got := fmt.Sprint(*work); got != fmt.Sprint(want) {
		t.Fatalf("%s returned %s, want %v", ref.Lane, got, want)
	}

	m.holds = append(m.holds, hold{ref: ref, event: head})
}

// hold picks a worker, whose lease may have been lost.
func (m *model) hold(t *rapid.T) hold {
	if len(m.holds) == 0 {
		t.Skip("nothing was claimed")
	}

	return m.holds[rapid.IntRange(0, len(m.holds)-1).Draw(t, "worker")]
}

func (m *model) release(t *rapid.T) {
	h := m.hold(t)
	err := m.store.Release(t.Context(), h.ref, m.now)

	lane := m.lane(h.ref.Class, h.ref.Lane)
	if lane.token != h.ref.Token {
		if !errors.Is(err, store.ErrLeaseLost) {
			t.Fatalf("Release of a lost lease returned %v", err)
		}

		return
	}

	if err != nil {
		t.Fatalf("Release: %v", err)
	}

	lane.ready = m.now
	lane.token = 0
	lane.head.starts--
}

func (m *model) renew(t *rapid.T) {
	h := m.hold(t)
	until := m.now.Add(leaseTime)
	lost, err := m.store.Renew(t.Context(), []store.LeaseRef{h.ref}, until)
	lane := m.lane(h.ref.Class, h.ref.Lane)

	held := lane.token == h.ref.Token
	if err != nil || held != (len(lost) == 0) {
		t.Fatalf("Renew returned %v, %v; the lease is held: %v", lost, err, held)
	}

	if held {
		lane.ready = until
	}
}
