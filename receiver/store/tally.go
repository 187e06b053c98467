// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

// Tally holds the changes that a transaction makes to the counts that Stats reads. An engine applies it at the end of the
// transaction.
type Tally struct {
	Pending         int64 // in class Conversations
	PendingStatuses int64
	PendingNotices  int64
	DeadLetters     int64
	Quarantined     int64
}

// Move counts an event of a class that changes from one state to another. A new event comes from, and a deleted one goes
// to, the empty state.
func (t *Tally) Move(class Class, from, to State) {
	t.add(class, from, -1)
	t.add(class, to, 1)
}

func (t *Tally) add(class Class, state State, n int64) {
	switch state {
	case Pending:
		switch class {
		case Statuses:
			t.PendingStatuses += n
		case Notices:
			t.PendingNotices += n
		default:
			t.Pending += n
		}
	case Dead:
		t.DeadLetters += n
	case Quarantined:
		t.Quarantined += n
	}
}

// IsZero reports whether there is nothing to apply.
func (t *Tally) IsZero() bool { return *t == Tally{} }
