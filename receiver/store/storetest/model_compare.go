// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"cmp"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// compare compares everything readable with the model.
func (m *model) compare(t *rapid.T) {
	var (
		want store.Stats
		dead []*modelEvent
	)
	for _, e := range m.events {
		switch e.state {
		case store.Pending:
			switch e.event.Class {
			case store.Statuses:
				want.PendingStatuses++
				continue
			case store.Notices:
				want.PendingNotices++
				continue
			}

			want.Pending++
			if want.OldestPending.IsZero() || e.event.ReceivedAt.Before(want.OldestPending) {
				want.OldestPending = e.event.ReceivedAt
			}
		case store.Dead:
			want.DeadLetters++

			dead = append(dead, e)
		}
	}

	want.ActiveConversations, want.HumanConversations = m.figures()

	got, err := m.store.Stats(t.Context(), m.now)
	got.LastMessageAt = time.Time{} // accurate to a minute only

	if got.OldestDeadLetter.IsZero() == (want.DeadLetters+want.Quarantined > 0) {
		t.Fatalf("the oldest of %d dead letters is of %v", want.DeadLetters, got.OldestDeadLetter)
	}

	got.OldestDeadLetter = time.Time{} // the model has no times of ends

	if err != nil || got != want {
		t.Fatalf("Stats returned %v, %v, want %v", got, err, want)
	}

	records, err := m.store.DeadLetters(t.Context(), store.Selection{States: []store.State{store.Dead}}, 0, 100)

	slices.SortFunc(dead, func(a, b *modelEvent) int { return cmp.Compare(a.place, b.place) })

	if err != nil || !slices.EqualFunc(records, dead, func(r store.Record, e *modelEvent) bool { return r.Event.ID == e.event.ID }) {
		t.Fatalf("DeadLetters returned %v, %v", records, err)
	}

	m.comparePauses(t)
	m.compareSchedule(t)
}
