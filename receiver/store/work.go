// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "time"

// LeaseRef proves a lease on a lane.
type LeaseRef struct {
	Class Class
	Lane  string // of class Conversations: the name under which the person's events are stored
	Token int64  // unique to each claim: it fences writes under an earlier lease
}

// Lease is the exclusive right to work a lane until a given time, with the event at the lane's head. Claim grants it,
// Renew extends it. It ends with Release, with a step that ends the lane's last pending event or postpones the head, or
// when another caller claims the lane after the lease has expired, or when the person's lane is joined to another that is
// leased too. Until then its holder can still record steps.
type Lease struct {
	LeaseRef
	Work Work
}

// Offer is the capacity of a caller for lanes that new events make due. The zero Offer leases none.
type Offer struct {
	Now, Until time.Time // of the leases
	Lanes      [3]int    // by class: Conversations, Statuses, Notices
}

// Arrival is the result of IngestAndClaim.
type Arrival struct {
	Fresh  []bool // for each event, whether it was new
	Leases []Lease
	// Due reports by class whether a lane may have become due without being leased, now or later.
	Due [3]bool
}

// Work is an event to process, with its progress so far.
type Work struct {
	Event    Event
	Seq      int64   // position in the order of arrival
	Attempts int     // failed attempts that counted
	Replays  int     // times a person replayed the event
	Starts   int     // times the event was leased, this time included, since the last recorded step; above 1 after a crash
	Replies  []Reply // by part; empty until an answer is recorded
	// Coalesced are the pending events that a step has coalesced with this event, in order. Like Conversation, it is
	// loaded when the event is leased.
	Coalesced []Event
	// Settled reports whether a step has settled which events are answered together with this one. Of a Record it also reports
	// whether the event is coalesced with another.
	Settled bool
	// Transcript is the text of a voice message, as a step recorded it. It is purged with the payload. A replay keeps it.
	Transcript   string
	Conversation Conversation // of the person that the lane is named after, whatever the class
}

// ReplyState is the progress of a send.
type ReplyState string

// The states of a reply. A reply found Sending at the start of an attempt was interrupted: its outcome is unknown.
const (
	Planned ReplyState = "planned"
	Sending ReplyState = "sending"
	Sent    ReplyState = "sent"
)

// Reply is a planned message: one part of an answer.
type Reply struct {
	Part      int    // from 0
	Type      string // Meta's message type
	Body      []byte // JSON body of the send
	State     ReplyState
	StartedAt time.Time // start of the last send; zero before the first
	MessageID string    // Meta's id of the message, once Sent
	Resends   int       // times the part was planned again after Meta had accepted it
	Fallback  bool      // the part replaces an answer, or the rest of one, that could not be used or sent
}

// MaxTranscript is the maximum size of [Work.Transcript], in bytes.
const MaxTranscript = 64 << 10

// Step is one durable advance in the processing of a lane's head. Its parts apply in the order of the fields, in one
// transaction. A reply that is Sent stays Sent unless a step resends it. Recording a step resets Starts.
type Step struct {
	Now     time.Time
	Answer  []Reply  // the AI's answer: replies to plan; only Part, Type, Body and Fallback are read; ignored if replies exist
	Sent    *SentRef // the part that Meta accepted
	Unsent  *int     // the part whose send certainly did not happen: back to Planned
	Sending *int     // the part whose send starts once this step is durable
	ByDesk  bool     // people answer: Sending is allowed although they have the conversation
	// Replacement replaces the part in Sending and the parts after it. Only Type, Body and Fallback are read. Later parts are
	// removed, except parts in state Sent.
	Replacement *Reply

	// Coalesced are events to answer together with the head, of the result of Peek. From this step on they end when the
	// head ends, in the same state. This survives a crash, so it belongs in a step before the AI is asked about all of them.
	Coalesced []ID
	// Settled settles which events are answered together with the head: the AI may have been asked. Coalesced implies it.
	Settled bool
	// Resend plans a reply again that Meta accepted and later reported failed. Its event, which was Done, is pending
	// again in its place in its own lane, with the attempts it had; an idle lane is due at Now. It is ignored if the
	// event is not Done, if its payload was purged, if the reply is not Sent, or if it was sent as another message since.
	Resend *ReplyRef
	// Remove removes a reply that Meta accepted and later reported failed, because a Replacement that was sent since takes its
	// place too. It is ignored if the event is not Done, if the reply is not Sent, or if it was sent as another message since.
	Remove *ReplyRef
	// Note adds an entry to the history of another event, whatever its state; nil adds none. It is ignored if the event is not
	// stored.
	Note *Note
	Emit []Event // events to store, as Ingest would, of any kind and class: the outbox

	Takeover *Takeover
	// TakeoverIn names the conversation of Takeover, by any name of its person. Empty means that of the lane.
	TakeoverIn       string
	TemplateRequired *bool
	// TemplateRequiredIn names the conversation of TemplateRequired, by any name of its person. Empty means that of the lane.
	TemplateRequiredIn string
	AIConversationID   *string // of the lane's conversation, at most MaxAIConversationID bytes; empty removes it
	Transcript         *string // of the head's voice message, at most MaxTranscript bytes; empty removes it

	Outcome *Outcome // ends the attempt or the event; nil if the work continues
}

// SentRef names a part that was sent and Meta's id of the message.
type SentRef struct {
	Part      int
	MessageID string
}

// ReplyRef names a reply to any event.
type ReplyRef struct {
	Event     ID
	Part      int
	MessageID string // id under which the send failed; empty matches any
	Body      []byte // of Resend: replaces the body of the reply; nil keeps it
	// Failure is of Resend: why the reply failed, added to the history of its event; nil adds nothing.
	Failure *Failure
}

// Note is an entry for the history of an event.
type Note struct {
	Event   ID
	Failure Failure
}

// Outcome ends an attempt.
type Outcome struct {
	State   State     // Done, Skipped, Human, Expired or Dead ends the event; Pending postpones it until RetryAt
	RetryAt time.Time // for Pending: the lane is due at this time
	// WaitsFor is the scope for which a Pending event waits, such as a rate-limited number; at most MaxScope bytes. Queue's
	// ClaimWaiting leases such a lane before RetryAt. Empty if the event only waits for RetryAt.
	WaitsFor string
	Failure  *Failure // the reason if the attempt failed; added to the event's history
}

// Failure is one entry in an event's history. It contains no personal data and no secret.
type Failure struct {
	At    time.Time `json:"at"`
	Class string    `json:"class"`          // of package failure, or skipped: the reason of a state
	Code  string    `json:"code,omitempty"` // of Meta, the AI or HTTP; may be empty
	Text  string    `json:"text"`           // at most 512 bytes
	Spent bool      `json:"spent"`          // whether it counted as an attempt
}

// MaxFailures is the number of failures stored for an event. Older ones are dropped.
const MaxFailures = 50

// Record is an event with its history.
type Record struct {
	Work
	FinishedAt time.Time // zero while pending
	Failures   []Failure // the newest MaxFailures, oldest first
}

// Stats are the figures of the store.
type Stats struct {
	Pending             int64     // in class Conversations
	OldestPending       time.Time // arrival of the oldest of them; zero if there is none
	PendingStatuses     int64
	PendingNotices      int64
	DeadLetters         int64
	Quarantined         int64
	OldestDeadLetter    time.Time // end of the dead letter or quarantined event that ended first; zero if there is none
	ActiveConversations int64     // with a message from the person in the last 24 hours, accurate to a minute
	Damaged             int64     // lanes set aside because the file cannot be read where their events are
	DamagedEvents       int64     // finished events that cannot be purged because the file cannot be read there
	Unclaimable         bool      // lanes cannot be claimed because the file cannot be read where they are listed
	HumanConversations  int64     // currently taken over by a person of the business
	LastMessageAt       time.Time // of any conversation (see Conversation.LastInboundAt); zero if there is none
}

// OldestPendingAge returns how long the oldest pending message has waited, or 0 if there is none.
func (s Stats) OldestPendingAge(now time.Time) time.Duration {
	if s.OldestPending.IsZero() {
		return 0
	}

	return max(0, now.Sub(s.OldestPending))
}

// OldestDeadLetterAge returns how long the oldest dead letter or quarantined event has been one, or 0 if there is none.
func (s Stats) OldestDeadLetterAge(now time.Time) time.Duration {
	if s.OldestDeadLetter.IsZero() {
		return 0
	}

	return max(0, now.Sub(s.OldestDeadLetter))
}

// Schedule is when the lanes of a class are due.
type Schedule struct {
	// NextDue is when the first lane is due, which may be in the past, or the first lease expires. Zero if there is none.
	NextDue time.Time
	Scopes  []string // for which lanes wait, at most MaxWaitingScopes (see Outcome.WaitsFor)
}

// MaxWaitingScopes limits [Schedule.Scopes].
const MaxWaitingScopes = 100

// MaxScope is the maximum size of [Outcome.WaitsFor], in bytes.
const MaxScope = 128

// Filter selects events. Empty fields match all.
type Filter struct {
	Kind  Kind
	State State
}

// Total is the number of events of a kind, type and state.
type Total struct {
	Kind  Kind
	Type  string
	State State
	Count int64
}
