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

// replayable reports whether the event was not answered and can be replayed.
func (e *modelEvent) replayable() bool { return slices.Contains(store.Replayable, e.state) }

// revive makes an event pending again. The AI is asked again, unless a part of the answer went out or may have.
func (m *model) revive(e *modelEvent) {
	e.state = store.Pending
	e.attempts = 0
	e.replays++

	if !slices.ContainsFunc(e.replies, func(r store.Reply) bool { return r.State != store.Planned }) {
		e.replies = nil
	}

	if e.event.Class == store.Conversations {
		e.event.Lane = m.person(e.event.Lane).lane
	}

	if lane := m.lane(e.event.Class, e.event.Lane); lane.ready.IsZero() {
		lane.ready = m.now
	}
}

func (m *model) replay(t *rapid.T) {
	name := fmt.Sprintf(`{"id":"%d"}`, rapid.IntRange(0, 19).Draw(t, "event"))

	e := m.events[name]
	if e == nil {
		t.Skip("it has not arrived")
	}

	err := m.store.Replay(t.Context(), e.event.ID, m.now)
	if !e.replayable() {
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("Replay of an event in state %s returned %v", e.state, err)
		}

		return
	}

	if err != nil {
		t.Fatalf("Replay: %v", err)
	}

	e.boundTo = nil
	for _, other := range m.lane(e.event.Class, e.event.Lane).events {
		if other == e || other.boundTo == e && other.replayable() {
			m.revive(other)
		}
	}
}

// replayAll replays all events that were not answered. Those that are coalesced with another of them stay so.
func (m *model) replayAll(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "rarely") > 0 {
		t.Skip("the other actions need dead letters")
	}

	var all []*modelEvent

	for _, e := range m.events {
		if e.replayable() {
			all = append(all, e)
		}
	}

	for _, e := range all {
		if e.boundTo != nil && !slices.Contains(all, e.boundTo) {
			e.boundTo = nil
		}
	}

	for _, e := range all {
		m.revive(e)
	}

	n, next, err := m.store.ReplaySelected(t.Context(), store.Selection{States: store.Replayable}, 0, m.now, 100)
	if err != nil || n != len(all) || next != 0 {
		t.Fatalf("ReplaySelected returned %d, %d, %v, want %d", n, next, err, len(all))
	}
}
