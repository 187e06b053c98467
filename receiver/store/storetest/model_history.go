// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// history compares two pages of the history of a conversation with the model.
func (m *model) history(t *rapid.T) {
	name := fmt.Sprintf("lane %d", rapid.IntRange(0, 4).Draw(t, "lane"))
	limit := rapid.IntRange(1, 4).Draw(t, "limit")

	var want []*modelEvent

	for _, e := range m.events {
		isMessage := e.event.Kind == store.KindMessage || e.event.Kind == store.KindOutbound
		if isMessage && m.person(e.event.Lane) == m.person(name) {
			want = append(want, e)
		}
	}

	slices.SortFunc(want, func(a, b *modelEvent) int { return cmp.Compare(b.place, a.place) })

	before := int64(0)

	for page := range 2 {
		got, err := m.store.History(t.Context(), name, before, time.Time{}, limit)

		same := slices.EqualFunc(got, want[:min(limit, len(want))], func(r store.Record, e *modelEvent) bool {
			return r.Event.ID == e.event.ID && r.Event.State == e.state && r.Transcript == e.transcript &&
				fmt.Sprint(r.Replies) == fmt.Sprint(e.replies)
		})
		if err != nil || !same {
			t.Fatalf("page %d of the history of %s is %v, %v", page, name, got, err)
		}

		if len(got) == 0 {
			return
		}

		before = got[len(got)-1].Seq
		want = want[len(got):]
	}
}
