// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"slices"
	"time"
)

// SearchBudget is how many events one call of [Events.Search] scans, unless the search has a lower limit.
const SearchBudget = 20_000

// Search selects events. Empty fields match all; see also [None].
type Search struct {
	Kind          Kind
	Type          string
	States        []State
	PhoneNumberID string
	// Code is that of the last failure. With a code, only events in a state of [Replayable] match: of the others it is not
	// stored.
	Code           string
	ReceivedAfter  time.Time
	ReceivedBefore time.Time
	// Conversation is any name of a person, or that of a group. The events are those stored under all names, of any class.
	Conversation string
	// Job is that of the latest bulk replay of the event, see Selection.Job.
	Job    string
	Budget int // events to look at, at most and by default SearchBudget
}

// Looks returns how many events one call looks at.
func (s *Search) Looks() int {
	if s.Budget <= 0 {
		return SearchBudget
	}

	return min(s.Budget, SearchBudget)
}

// Unanswered reports whether all events that match are in a state of [Replayable].
func (s *Search) Unanswered() bool {
	isOther := func(state State) bool { return !slices.Contains(Replayable, state) }

	return s.Code != "" || len(s.States) > 0 && !slices.ContainsFunc(s.States, isOther)
}

// Page is a part of what a search finds, the newest event first.
type Page struct {
	Records []Record
	// SearchedTo is the Seq down to which events were looked at, and SearchedAt is the time of receipt of that event. The
	// next page begins before it.
	SearchedTo int64
	SearchedAt time.Time
	More       bool // there are older events
}

// EventDetail is an event with its replies, failures, coalesced events and statuses.
type EventDetail struct {
	Record
	// CoalescedWith is the event whose answer is that of this one too; zero if there is none.
	CoalescedWith ID
	// Followers are the events that are, or were, answered together with this one, at most MaxFollowers.
	Followers []ID
	// Statuses are the furthest statuses of the messages of the answer, of each participant of a group, at most MaxStatuses.
	Statuses []StatusUpdate
}

// The limits of an EventDetail.
const (
	MaxFollowers = 100
	MaxStatuses  = 1000
)

// Position is where a page of conversations continues: after a conversation by its last activity. The zero Position is
// before the newest. A position with a name and without a time is among the persons who never wrote.
type Position struct {
	At   time.Time // LastInboundAt of the conversation
	Name string
}
