// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxCauses limits the result of [DeadLetterQueue.Causes].
const MaxCauses = 500

// Replayable are the states of events that were not answered and can be replayed or discarded.
var Replayable = []State{Dead, Quarantined, Human, Expired}

// None as the Type, PhoneNumberID or Code of a Selection or Search matches the events that have none, such as notices, which
// have no phone number. No type or code is called so, and the ids of phone numbers are digits.
const None = "none"

// Wanted returns the value that a field of an event must have, and whether the field restricts the selection.
func Wanted(field string) (value string, ok bool) {
	if field == None {
		return "", true
	}

	return field, field != ""
}

// Selection selects events in the states of [Replayable]. Empty fields match all; see also [None].
type Selection struct {
	States         []State // at least one
	Kind           Kind
	Type           string
	PhoneNumberID  string
	Code           string // of the last failure
	ReceivedAfter  time.Time
	ReceivedBefore time.Time
	// Job is the id with which ReplaySelected marks what it replays. It leaves out what has the mark, so that a job replays an
	// event once, also if the event fails again. DiscardSelected leaves that out too. Other calls do not read it. See Search.Job.
	Job string
	// LastSeq is the highest Seq to select. A bulk replay sets it, so that events that fail again are not selected again.
	LastSeq int64
}

// replayable lists the states of Replayable in an error.
const replayable = "want dead, quarantined, human or expired"

// Validate returns an error if the selection has no state or a state that is not of [Replayable].
func (s *Selection) Validate() error {
	if len(s.States) == 0 {
		return errors.New("the selection has no state, " + replayable)
	}

	for _, state := range s.States {
		switch {
		case slices.Contains(Replayable, state):
		case slices.Contains(States, state):
			return fmt.Errorf("events in state %q can be neither replayed nor discarded, "+replayable, state)
		default:
			return fmt.Errorf("there is no state %q, "+replayable, state)
		}
	}

	return nil
}

// Cause is a group of events that were not answered for the same reason.
type Cause struct {
	State         State
	PhoneNumberID string
	Code          string // of the last failure; empty if there was none
	Count         int64
	First         time.Time // receipt of the oldest
	Last          time.Time // receipt of the newest
	Sample        ID        // of the newest
}

// NamedConversation is a conversation with one of its names.
type NamedConversation struct {
	Name string // the lane
	Conversation
}
