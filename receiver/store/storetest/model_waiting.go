// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// scopes are those for which lanes of the model wait.
var scopes = []string{"bird", "number"}

// claimWaiting claims lanes that wait for a scope.
func (m *model) claimWaiting(t *rapid.T) {
	class := rapid.SampledFrom([]store.Class{store.Conversations, store.Statuses, store.Notices}).Draw(t, "class")
	scope := rapid.SampledFrom(scopes).Draw(t, "scope")
	limit := rapid.IntRange(1, 3).Draw(t, "limit")

	var due []time.Time

	for name, lane := range m.lanes {
		if name.class == class && lane.waits == scope {
			due = append(due, lane.ready)
		}
	}

	slices.SortFunc(due, time.Time.Compare)

	until := m.now.Add(leaseTime)

	leases, err := m.store.ClaimWaiting(t.Context(), class, scope, until, limit)
	if err != nil || len(leases) != min(limit, len(due)) {
		t.Fatalf("ClaimWaiting returned %d lanes, %v, want %d", len(leases), err, min(limit, len(due)))
	}

	m.checkLeases(t, leases, due, until)
}

// repairClock changes nothing, since time never goes backwards in the model.
func (m *model) repairClock(t *rapid.T) {
	if err := m.store.RepairClock(t.Context(), m.now); err != nil {
		t.Fatalf("RepairClock: %v", err)
	}
}

// compareSchedule compares when lanes are due, and for which scopes they wait.
func (m *model) compareSchedule(t *rapid.T) {
	var want [3]store.Schedule

	for name, lane := range m.lanes {
		schedule := &want[name.class]
		if !lane.ready.IsZero() && (schedule.NextDue.IsZero() || lane.ready.Before(schedule.NextDue)) {
			schedule.NextDue = lane.ready
		}

		if lane.waits != "" && !slices.Contains(schedule.Scopes, lane.waits) {
			schedule.Scopes = append(schedule.Scopes, lane.waits)
		}
	}

	got, _, err := m.store.Schedule(t.Context(), m.now)
	if err != nil {
		t.Fatalf("Schedule: %v", err)
	}

	for class := range want {
		slices.Sort(want[class].Scopes)
		slices.Sort(got[class].Scopes)

		if !got[class].NextDue.Equal(want[class].NextDue) || !slices.Equal(got[class].Scopes, want[class].Scopes) {
			t.Fatalf("Schedule of class %s is %v, want %v", store.Class(class), got[class], want[class])
		}
	}
}
