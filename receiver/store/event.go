// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// ID identifies an event: in the store, where it prevents duplicates, in logs, and in requests to the AI and Meta. It is a
// hash, so it does not reveal the message id, in which Meta encodes a phone number.
type ID [16]byte

// NewID returns the hash of the parts that identify an event of a kind. Each part is hashed with its length, so that
// moving a boundary between parts changes the id.
func NewID(kind Kind, parts ...string) ID {
	var room [512]byte // for most parts, so that nothing is allocated

	hashed := appendPart(room[:0], string(kind))
	for _, part := range parts {
		hashed = appendPart(hashed, part)
	}

	sum := sha256.Sum256(hashed)

	return ID(sum[:len(ID{})])
}

// appendPart appends a part after its length.
func appendPart(b []byte, part string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(part))), part...)
}

// ParseID parses the result of [ID.String]: 32 hexadecimal digits.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != hex.EncodedLen(len(id)) {
		return id, fmt.Errorf("event id has %d characters, want %d hexadecimal digits", len(s), hex.EncodedLen(len(id)))
	}

	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return id, fmt.Errorf("event id: %w", err)
	}

	return id, nil
}

// String returns the id as 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// LogValue returns the id as logs show it: as text, not as 16 numbers.
func (id ID) LogValue() slog.Value { return slog.StringValue(id.String()) }

// Kind is the kind of an event.
type Kind string

// The kinds of events in a delivery.
const (
	KindMessage Kind = "message"
	KindStatus  Kind = "status"
	KindError   Kind = "error"   // an error that Meta reports outside a message or status
	KindField   Kind = "field"   // a change of a webhook field other than messages
	KindUnknown Kind = "unknown" // an item that cannot be parsed as any other kind
)

// The kinds of events that the receiver emits.
const (
	KindNotice       Kind = "notice"        // for the sink; its payload is the CloudEvents data
	KindStatusReport Kind = "status_report" // to the AI, of a failed status; its payload is that of the status
	KindThreadPass   Kind = "thread_pass"   // for Meta, of a conversation that the AI handed off; its payload is the message's

	// KindAnswerDeadline is the end of the time for a later answer to a question. Its payload is that of an outbound message,
	// with the question in place of an answer.
	KindAnswerDeadline Kind = "answer_deadline"
	KindDeskMessage    Kind = "desk_message" // for the desk, of a message while people have the conversation
)

// The kinds of events of the messages API.
const (
	KindOutbound Kind = "outbound" // an outbound message: pending in the lane of its person, as a message is
	KindAnswered Kind = "answered" // a marker, finished when it arrives: the final answer to a question was posted
)

// State is the state of an event.
type State string

// The states of an event. Only Pending events are processed. Those in a state of [Replayable] can be replayed, and a Done
// event is pending again while a reply is resent. The other states are final.
const (
	Pending     State = "pending"
	Done        State = "done"
	Skipped     State = "skipped"     // nothing handles its type, or it can never be answered
	Human       State = "human"       // people have the conversation, so the AI does not answer
	Expired     State = "expired"     // given up after too long
	Quarantined State = "quarantined" // of a phone number that this receiver does not serve
	Dead        State = "dead"        // a dead letter
	Discarded   State = "discarded"   // could be replayed, but a person discarded it, or its retention ended
)

// States are all states of an event.
var States = []State{Pending, Done, Skipped, Human, Expired, Quarantined, Dead, Discarded}

// Event is one message, status, error or change of a delivery, or a notice or status report of the receiver.
type Event struct {
	ID    ID
	Kind  Kind
	Type  string // the message's type, the status, or the webhook field; at most 64 bytes
	State State  // at ingest: Pending, Done, Skipped or Quarantined
	// Class is the class of a pending event, or of a quarantined event with a lane, which may be replayed. Any other event is
	// stored with NoClass.
	Class Class
	// Lane is the queue of the event, such as a conversation. A pending event of class Conversations may be stored with any
	// name of its person, and is read with the name of the person's lane (see [Conversation]). Empty if the event concerns
	// no lane.
	Lane string
	// Aliases are further names of the lane's person, such as the lane by business-scoped user id where Lane is by phone
	// number. Ingest joins all names (see [Conversation]), unless the event is quarantined. Reads do not return them.
	Aliases       []string
	PhoneNumberID string
	Payload       []byte // JSON; empty after its retention
	ReceivedAt    time.Time
	// SentAt is when the person wrote or called, at most ReceivedAt. For a message, zero means ReceivedAt. Any other event with
	// a SentAt is inbound activity of the person too, unless it is an outbound message. Reads do not return it.
	SentAt time.Time
	Status *StatusUpdate // of a status: applied at ingest; reads do not return it
	// Takeover changes who has the conversation of Lane. It is applied at ingest, whatever the state of the event, unless
	// that is Quarantined. Reads do not return it.
	Takeover *Takeover
}

// Validate returns an error if the event cannot be ingested.
func (e *Event) Validate() error {
	switch {
	case e.State != Pending && e.State != Done && e.State != Skipped && e.State != Quarantined:
		return fmt.Errorf("event %s has state %q, want pending, done, skipped or quarantined", e.ID, e.State)
	case e.State == Pending && e.Lane == "":
		return fmt.Errorf("event %s is pending but has no lane", e.ID)
	case e.State == Pending && e.Class == NoClass || e.Class < Conversations || e.Class > NoClass:
		return fmt.Errorf("event %s has class %s, want conversation, status or notice", e.ID, e.Class)
	case e.ReceivedAt.IsZero():
		return fmt.Errorf("event %s has no time of receipt", e.ID)
	}

	return nil
}

// InboundAt returns the time of the inbound activity of the lane's person. It reports false if the event is none.
func (e *Event) InboundAt() (time.Time, bool) {
	switch {
	case e.Lane == "" || e.State == Quarantined || e.Kind == KindOutbound:
		return time.Time{}, false
	case !e.SentAt.IsZero():
		return e.SentAt, true
	default:
		return e.ReceivedAt, e.State == Pending && e.Class == Conversations && e.Kind == KindMessage
	}
}

// UnrecordedInboundAt returns the inbound activity of an event that becomes pending again. It reports false if ingest has
// recorded InboundAt, as for all messages except quarantined ones: the time of receipt may be days later, and would open a
// service window that Meta does not grant.
func (e *Event) UnrecordedInboundAt(before State) (time.Time, bool) {
	return e.ReceivedAt, before == Quarantined && e.Class == Conversations && e.Kind == KindMessage
}

// AreDeferrable reports whether the events of a delivery may wait a few milliseconds for other writes to share a transaction
// with: no person waits for statuses and notices.
func AreDeferrable(events []Event) bool {
	return !slices.ContainsFunc(events, func(e Event) bool { return e.Kind != KindStatus && e.Kind != KindNotice })
}

// StatusUpdate is the status of an outbound message. The store holds the furthest one for each message, participant and
// type: an update replaces the stored one only if its rank is higher, so the order of arrival does not matter.
type StatusUpdate struct {
	PhoneNumberID string
	MessageID     string
	Participant   string // of a group, else empty
	Type          string // empty for message statuses; "payment" for those
	Status        string
	Rank          int
	At            time.Time
	ErrorCode     int // of a failed status, else 0
	// ReplyTo and ReplyPart name the send that Meta returned in biz_opaque_callback_data. If the reply is still Sending,
	// the first status of MessageID proves it sent: it becomes Sent with MessageID, and its lane is due at once. Later statuses
	// prove nothing: the message may be of an earlier answer to the event, which a replay has deleted.
	ReplyTo     ID
	ReplyPart   int
	ReplyResend int // Reply.Resends of that send: a status of an earlier send of the part proves nothing about a later one
	// ReplyFallback reports that the send was of a Fallback, which proves nothing about an answer: a replay may have deleted it.
	ReplyFallback bool
}
