// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dev runs a receiver on one machine between a stand-in for Meta and an AI. It serves a page on which a developer chats
// as the person, watches each delivery, question, answer, send and status, and injects faults.
//
// The page uses the API in this file, apimessage.go and apistream.go. All bodies are JSON with the names of the fields there,
// except uploads. A refused request is answered with a status of 4xx or 5xx and an [Error].
//
//	GET  /                      the page
//	GET  /api/state             State
//	GET  /api/stream?after=N    server-sent events after the id N: Stream…
//	POST /api/messages          NewMessage, or a form with the parts Part… → 201 Message
//	POST /api/tap               Tap → 201 Message, the person's reply
//	POST /api/edit              Edit → 200 Message
//	POST /api/delete            Delete → 200 Message
//	POST /api/react             React → 200 Message, the one with the reaction
//	POST /api/people            NewPerson → 201 Person
//	PUT  /api/faults/{name}   Switch → 200 Fault
//	POST /api/clock             Advance → 200 Clock
//	POST /api/reset             → 204; the stream has StreamReset
//	GET  /api/media/{id}        the file of a Media
//
// Requests with a body need Content-Type: application/json, or multipart/form-data for an upload.
package dev

import "time"

// State is everything that a page needs to begin. The stream continues after LastEventID.
type State struct {
	Version     string    `json:"version"`
	AI          AI        `json:"ai"`
	Business    Business  `json:"business"`
	People      []Person  `json:"people"`
	Messages    []Message `json:"messages"` // of all people, oldest first
	Traces      []Trace   `json:"traces"`   // oldest first
	Faults      []Fault   `json:"faults"`   // all that there are, in the order to show them
	Clock       Clock     `json:"clock"`
	MessagesURL string    `json:"messages_url"` // of the messages API, by which the AI answers later
	LastEventID int64     `json:"last_event_id"`
	// MaxPeople and MaxUploadBytes are the limits of this server.
	MaxPeople      int   `json:"max_people"`
	MaxUploadBytes int64 `json:"max_upload_bytes"`
}

// AI describes the AI that is asked.
type AI struct {
	Kind  string `json:"kind"`            // echo, bridge, flow or openai
	URL   string `json:"url,omitempty"`   // empty for echo
	Model string `json:"model,omitempty"` // of openai
	// Problem says why the AI cannot be asked now, and what to do, such as that nothing listens at its URL. Empty if it can.
	Problem string `json:"problem,omitempty"`
}

// Business is the number that people write to.
type Business struct {
	Name          string `json:"name"`
	Number        string `json:"number"` // for display
	PhoneNumberID string `json:"phone_number_id"`
}

// Person is a person who chats with the business.
type Person struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Number string `json:"number"` // digits with the country code
	// Handler is who answers the person: ai or people.
	Handler string `json:"handler"`
}

// The values of Person.Handler.
const (
	HandlerAI     = "ai"
	HandlerPeople = "people"
)

// NewPerson adds a person. Without a number the server makes one up. Answered 409 at the limit of people.
type NewPerson struct {
	Name   string `json:"name"`
	Number string `json:"number,omitempty"`
}

// NewMessage is a message without a file that a person sends: a text, a location, contacts, an order, or one that WhatsApp
// does not deliver. An order without products gets two made-up ones.
type NewMessage struct {
	Person    string    `json:"person"`
	Type      string    `json:"type"`
	Text      string    `json:"text,omitempty"`
	Location  *Location `json:"location,omitempty"`
	Contacts  []Contact `json:"contacts,omitempty"`
	Products  []Product `json:"products,omitempty"` // of an order
	ReplyTo   string    `json:"reply_to,omitempty"`
	Forwarded bool      `json:"forwarded,omitempty"`
}

// The parts of the form by which a person sends a file. PartFile is the last one, with its name and type.
const (
	PartPerson  = "person"
	PartType    = "type"     // image, video, audio, voice, document or sticker
	PartText    = "text"     // the caption
	PartReplyTo = "reply_to" // Message.ID
	PartFile    = "file"
)

// TypeVoice is the type of an upload that is a voice message.
const TypeVoice = "voice"

// Tap is a tap on an option of a message.
type Tap struct {
	Person  string `json:"person"`
	Message string `json:"message"` // Message.ID
	Option  string `json:"option"`  // Option.ID
	// Form has the values of an option of kind form.
	Form map[string]any `json:"form,omitempty"`
}

// Edit replaces the text or the caption of a person's message.
type Edit struct {
	Person  string `json:"person"`
	Message string `json:"message"`
	Text    string `json:"text"`
}

// Delete deletes a person's message for everyone.
type Delete struct {
	Person  string `json:"person"`
	Message string `json:"message"`
}

// React sets a person's reaction to a message, in either direction. An empty emoji removes it.
type React struct {
	Person  string `json:"person"`
	Message string `json:"message"`
	Emoji   string `json:"emoji"`
}

// Fault is an injected fault.
type Fault struct {
	Name  string     `json:"name"`
	Title string     `json:"title"`
	Group string     `json:"group"` // AI, Meta or Conversation
	What  string     `json:"what"`  // what happens, and what the receiver does about it
	On    bool       `json:"on"`
	Since *time.Time `json:"since,omitempty"`
	// Once means that the fault turns itself off after its first use.
	Once bool `json:"once"`
}

// The names of faults.
const (
	FaultAIDown       = "ai-down"
	FaultAISlow       = "ai-slow"
	FaultAI429        = "ai-429"
	FaultAIGarbage    = "ai-garbage"
	FaultBadSignature = "bad-signature"
	FaultDuplicate    = "duplicate"
	FaultOutOfOrder   = "out-of-order"
	FaultRateLimit    = "rate-limit"
	FaultSendUnknown  = "send-unknown"
	FaultTokenRefused = "token-refused"
	FaultDayLater     = "24-hours-later"
	FaultPeople       = "people-take-over"
)

// Switch turns a fault on or off.
type Switch struct {
	On bool `json:"on"`
	// Person is whose conversation people-take-over and 24-hours-later are about. Empty means the first person.
	Person string `json:"person,omitempty"`
}

// Clock is the time of the receiver and of Meta's stand-in.
type Clock struct {
	Now          time.Time `json:"now"`
	AheadSeconds int64     `json:"ahead_seconds"` // of the real time
}

// Advance sets the clock ahead by a duration such as 30m or 25h.
type Advance struct {
	Advance string `json:"advance"`
}

// Error is the body of a refused request.
type Error struct {
	Error string `json:"error"`
}
