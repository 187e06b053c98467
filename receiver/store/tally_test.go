// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "testing"

func TestTally(t *testing.T) {
	var tally Tally

	for class, n := range map[Class]int{
		Conversations: 3,
		Statuses:      2,
		Notices:       1,
	} {
		for range n {
			tally.Move(class, "", Pending)
		}
	}

	tally.Move(Conversations, Pending, Dead)
	tally.Move(Statuses, Pending, Done)
	tally.Move(NoClass, "", Quarantined)
	tally.Move(NoClass, "", Skipped)

	want := Tally{
		Pending:         2,
		PendingStatuses: 1,
		PendingNotices:  1,
		DeadLetters:     1,
		Quarantined:     1,
	}
	if tally != want || tally.IsZero() {
		t.Errorf("tally is %+v, want %+v", tally, want)
	}

	tally.Move(Conversations, Dead, Discarded)
	tally.Move(NoClass, Quarantined, "")

	for class, n := range map[Class]int64{
		Conversations: tally.Pending,
		Statuses:      tally.PendingStatuses,
		Notices:       tally.PendingNotices,
	} {
		for range n {
			tally.Move(class, Pending, Human)
		}
	}

	if !tally.IsZero() {
		t.Errorf("tally is %+v, want zero", tally)
	}
}
