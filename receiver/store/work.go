// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "time"

// LeaseRef proves a claim on a lane. Each claim has a token of its own.
type LeaseRef struct {
	Class Class
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
	Replays  int     // how often a person replayed it
	Starts   int     // times it was handed out, this one included, since a step was last recorded; more than 1 after a crash
	Replies  []Reply // what is to be sent for it, by part; empty until an answer was recorded
	// Coalesced are the events that a step has bound to this one and that are still pending, in order. Loaded, as
	// Conversation is, when the event is handed out.
	Coalesced    []Event
	Conversation Conversation // of the person whose name the lane has, whatever the class
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
	Resends   int       // times it was planned again after Meta had taken it
}

// Step is one durable advance in the work on a lane's head. Its parts apply in the order of the fields, in one
// transaction. A reply that is Sent stays so, unless it is resent. Recording a step resets Starts.
type Step struct {
	Now     time.Time
	Answer  []Reply  // the AI's answer: the replies to plan; Part, Type and Body are read; ignored where replies exist
	Sent    *SentRef // a reply that Meta took
	Unsent  *int     // the part whose send certainly did not take place: back to Planned
	Sending *int     // the part whose send begins once this step is durable

	// Coalesced binds events to the head, such as messages that were put to the AI as one question: those that Peek returned,
	// from the first on. From this step on they are worked with the head and end when it does, in the same state. The
	// binding survives a crash; so it belongs in the step that records the answer to all of them.
	Coalesced []ID
	// Resend plans a reply again that Meta took and later reported failed. Its event, which was Done, is pending again in
	// its place in the order of its own lane, with the attempts it had; an idle lane is due at Now. Ignored when the event is
	// not Done, when its payload was purged, and when the reply is not Sent or was sent as another message since.
	Resend *ReplyRef
	Emit   []Event // events to store, as Ingest would, of any kind and class: the outbox

	// The state of the lane's person. Join says that the person is from now on also found under another lane's name.
	Join             string
	HumanUntil       *time.Time // the zero time gives the conversation back to the AI
	TemplateRequired *bool

	Outcome *Outcome // how the attempt, or the event, ends; nil: the work goes on
}

// SentRef says which part was sent and the id that Meta gave it.
type SentRef struct {
	Part      int
	MessageID string
}

// ReplyRef names a reply to any event.
type ReplyRef struct {
	Event     ID
	Part      int
	MessageID string // the id under which the send failed; empty: whichever it has
}

// Outcome ends an attempt.
type Outcome struct {
	State   State     // Done, Skipped, Human, Expired or Dead end the event; Pending postpones it to RetryAt
	RetryAt time.Time // for Pending
	Failure *Failure  // why, when it did not succeed: added to the event's history
}

// Failure is one line of an event's history. It holds no personal data and no secret.
type Failure struct {
	At    time.Time `json:"at"`
	Class string    `json:"class"`          // of the failure package
	Code  string    `json:"code,omitempty"` // of Meta, Bird or HTTP; may be empty
	Text  string    `json:"text"`           // at most 512 bytes
	Spent bool      `json:"spent"`          // whether it counted as an attempt
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
	Pending             int64     // in class Conversations
	OldestPending       time.Time // when the oldest of them arrived; zero when there is none
	PendingStatuses     int64
	PendingNotices      int64
	DeadLetters         int64
	Quarantined         int64
	ActiveConversations int64 // with a message from the person in the last 24 hours, give or take a minute
	HumanConversations  int64 // that a person has taken over from the AI for now
}

// OldestPendingAge is how long the oldest pending message has waited; 0 when there is none.
func (s Stats) OldestPendingAge(now time.Time) time.Duration {
	if s.OldestPending.IsZero() {
		return 0
	}

	return max(0, now.Sub(s.OldestPending))
}

// Filter selects events. Empty fields select all.
type Filter struct {
	Kind  Kind
	State State
}

// Total counts events.
type Total struct {
	Kind  Kind
	Type  string
	State State
	Count int64
}
