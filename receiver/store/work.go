// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "time"

// LeaseRef proves a claim on a lane. Each claim has a token of its own.
type LeaseRef struct {
	Lane  string
	Token int64
}

// Lease is a claimed lane with the event at its head.
type Lease struct {
	LeaseRef
	Work Work
}

// Work is an event to be worked, with what was done for it before.
type Work struct {
	Event    Event
	Seq      int64   // its place in the order of arrival
	Attempts int     // attempts spent: failures that counted
	Starts   int     // times it was handed out, this one included, since a step was last recorded; more than 1 after a crash
	Replies  []Reply // what is to be sent for it, by part; empty until an answer was recorded
}

// ReplyState is how far a send has come.
type ReplyState string

// The states of a reply. A reply found Sending at the start of an attempt was cut off: whether the person got it is
// not known.
const (
	Planned ReplyState = "planned"
	Sending ReplyState = "sending"
	Sent    ReplyState = "sent"
)

// Reply is one outbound message of an answer.
type Reply struct {
	Part      int    // from 0
	Type      string // Meta's message type
	Body      []byte // the JSON body of the send
	State     ReplyState
	StartedAt time.Time // of the last send that began, zero before
	MessageID string    // the id that Meta gave it, when Sent
}

// Step is one durable advance in the work on a lane's head. Its parts apply in the order of the fields, in one
// transaction. A reply that is Sent stays so. Recording a step resets Starts.
type Step struct {
	Now     time.Time
	Answer  []Reply  // the AI's answer: the replies to plan; Part, Type and Body are read; ignored where replies exist
	Sent    *SentRef // a reply that Meta took
	Unsent  *int     // the part whose send certainly did not take place: back to Planned
	Sending *int     // the part whose send begins once this step is durable
	Outcome *Outcome // how the attempt, or the event, ends; nil: the work goes on
}

// SentRef says which part was sent and the id that Meta gave it.
type SentRef struct {
	Part      int
	MessageID string
}

// Outcome ends an attempt.
type Outcome struct {
	State   State     // Done, Kept or Dead end the event; Pending postpones it to RetryAt
	RetryAt time.Time // for Pending
	Failure *Failure  // why, when it did not succeed: added to the event's history
}

// Failure is one line of an event's history. It holds no personal data and no secret.
type Failure struct {
	At    time.Time
	Class string // of the failure package
	Code  string // of Meta, Bird or HTTP; may be empty
	Text  string // at most 512 bytes
	Spent bool   // whether it counted as an attempt
}

// Record is an event with its history, the oldest failures first. The newest MaxFailures are kept.
type Record struct {
	Work
	FinishedAt time.Time // zero while pending
	Failures   []Failure
}

// MaxFailures bounds the history of one event.
const MaxFailures = 50

// Stats are figures of the whole store.
type Stats struct {
	Pending             int64
	OldestPending       time.Time // when the oldest pending event arrived; zero when there is none
	DeadLetters         int64
	Quarantined         int64
	ActiveConversations int64 // with a message from the person in the last 24 hours, give or take a minute
}

// Total counts events.
type Total struct {
	Kind  Kind
	Type  string
	State State
	Count int64
}
