// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import "time"

// Trace is one thing that happened. Those with the same EventID belong to one message of a person, or to one message that
// the AI sent on its own.
type Trace struct {
	Seq     int64     `json:"seq"` // ascending, without meaning otherwise
	At      time.Time `json:"at"`
	EventID string    `json:"event_id,omitempty"`
	Person  string    `json:"person,omitempty"`
	Kind    string    `json:"kind"`
	Level   string    `json:"level"`
	Title   string    `json:"title"`            // one short line
	Detail  string    `json:"detail,omitempty"` // a sentence or two: what the receiver does about it
	Code    string    `json:"code,omitempty"`   // of a failure: Meta's, the AI's or HTTP's
	TookMS  int64     `json:"took_ms,omitempty"`
	// Exchange is the HTTP request and its answer, if the trace is about one.
	Exchange *Exchange `json:"exchange,omitempty"`
}

// The values of Trace.Kind.
const (
	TraceDelivery = "delivery" // Meta's POST to the receiver's webhook
	TraceEvent    = "event"    // an event in the receiver's store: stored, done, a dead letter …
	TraceQuestion = "question" // the receiver asks the AI; the exchange has the answer
	TraceLater    = "later"    // the AI or people call the messages API
	TraceSend     = "send"     // the receiver sends a message through the Graph API
	TraceGraph    = "graph"    // another call of the Graph API, such as a file or a read receipt
	TraceStatus   = "status"   // Meta reports a status
	TraceNotice   = "notice"   // a notice of the receiver
	TraceDesk     = "desk"     // the receiver reports to the people who have the conversation
	TraceFailure  = "failure"  // an attempt failed; what follows
	TraceHandler  = "handler"  // people took the conversation over, or gave it back
	TraceFault    = "fault"    // a fault begins, acts or is over
	TraceServer   = "server"   // this server
)

// The values of Trace.Level.
const (
	LevelInfo    = "info"
	LevelOK      = "ok"
	LevelWarning = "warning"
	LevelError   = "error"
)

// Exchange is an HTTP request and its answer. Credentials are left out. Bodies are truncated after 16 KiB, and binary ones
// are described.
type Exchange struct {
	Method   string `json:"method"`
	URL      string `json:"url"`
	Status   int    `json:"status,omitempty"` // 0: no answer
	Request  string `json:"request,omitempty"`
	Response string `json:"response,omitempty"`
}

// The events of the stream, with the type of their data. Each has an id; a browser that reconnects sends the last one as
// Last-Event-ID, and gets the missed events. StreamReset means that the page must load the state again.
const (
	StreamMessage = "message" // Message: a new one
	StreamEdit    = "edit"    // Message: replaces the one with its id
	StreamStatus  = "status"  // StatusChange
	StreamTyping  = "typing"  // Typing
	StreamTrace   = "trace"   // Trace
	StreamFault   = "fault"   // Fault
	StreamPerson  = "person"  // Person: a new or a changed one
	StreamClock   = "clock"   // Clock
	StreamAI      = "ai"      // AI
	StreamReset   = "reset"   // {}
)

// StatusChange is the new status of a message.
type StatusChange struct {
	Message string   `json:"message"`
	Person  string   `json:"person"`
	Status  string   `json:"status"`
	Failure *Failure `json:"failure,omitempty"`
}

// Typing says whether the business types to a person. WhatsApp shows it for at most 25 s.
type Typing struct {
	Person string `json:"person"`
	On     bool   `json:"on"`
}
