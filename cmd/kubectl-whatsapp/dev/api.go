// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dev runs a receiver on one machine between a stand-in for Meta and an AI, and serves a page on which a developer
// chats as the person, watches each delivery, question, answer, send and status, and causes troubles.
//
// The page uses the API in this file. All bodies are JSON with the names of the fields below, except uploads. A refused
// request is answered with a status of 4xx or 5xx and an [Error].
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
//	PUT  /api/troubles/{name}   Switch → 200 Trouble
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
	Troubles    []Trouble `json:"troubles"` // all that there are, in the order to show them
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

// Message is a message as the person's phone shows it, in either direction. Which fields are set depends on Type; a page
// can show the fields that are set, in the order Header, Media, Text, Footer, Options, whatever the type is.
type Message struct {
	ID     string    `json:"id"`
	Person string    `json:"person"` // Person.ID
	From   string    `json:"from"`   // person or business
	Type   string    `json:"type"`   // see the types below; a page shows another one as a text
	At     time.Time `json:"at"`

	// Text is the text or the caption. It has WhatsApp's marks: *bold*, _italic_, ~strike~, ```code```, lists and quotes.
	Text   string `json:"text,omitempty"`
	Header string `json:"header,omitempty"`
	Footer string `json:"footer,omitempty"`

	Media    *Media    `json:"media,omitempty"`
	Location *Location `json:"location,omitempty"`
	Contacts []Contact `json:"contacts,omitempty"`
	Template *Template `json:"template,omitempty"`
	Products []Product `json:"products,omitempty"` // that the business offers, or that an order has

	// Options are the buttons, list rows and links below a message of the business. The rows of a list, and only they, are
	// shown after a tap on ListButton.
	Options    []Option `json:"options,omitempty"`
	ListButton string   `json:"list_button,omitempty"`
	// Cards are the cards of a carousel.
	Cards []Card `json:"cards,omitempty"`

	ReplyTo   string     `json:"reply_to,omitempty"` // Message.ID of the quoted message
	Reactions []Reaction `json:"reactions,omitempty"`
	Forwarded bool       `json:"forwarded,omitempty"`
	Edited    bool       `json:"edited,omitempty"`
	Deleted   bool       `json:"deleted,omitempty"` // shown as "This message was deleted"
	Tapped    bool       `json:"tapped,omitempty"`  // a reply of an option was tapped; the options stay

	// Status is sending, sent, delivered, read, played or failed.
	Status  string        `json:"status"`
	Failure *Failure      `json:"failure,omitempty"` // with the status failed
	EventID string        `json:"event_id,omitempty"`
	Sender  MessageSender `json:"sender,omitempty"` // of a message of the business
}

// The values of Message.From and Reaction.From.
const (
	FromPerson   = "person"
	FromBusiness = "business"
)

// MessageSender says who wrote a message of the business.
type MessageSender string

// The senders.
const (
	SenderAI       MessageSender = "ai"
	SenderPeople   MessageSender = "people"
	SenderReceiver MessageSender = "receiver" // a fallback text
)

// The types of messages. The business cannot send TypeOrder and TypeUnsupported; a person cannot send TypeInteractive and
// TypeTemplate.
const (
	TypeText        = "text"
	TypeImage       = "image"
	TypeVideo       = "video"
	TypeAudio       = "audio" // Media.Voice distinguishes voice messages from files
	TypeDocument    = "document"
	TypeSticker     = "sticker"
	TypeLocation    = "location"
	TypeContacts    = "contacts"
	TypeOrder       = "order"
	TypeInteractive = "interactive" // with Options, Products or Cards
	TypeTemplate    = "template"
	TypeTap         = "tap"         // the person's reply by a tap: Text is its title, ReplyTo the message with the option
	TypeUnsupported = "unsupported" // what WhatsApp does not deliver, such as a poll
)

// The statuses of messages. Those of the person are sending, sent, read (the receiver has marked it as read) and failed.
const (
	StatusSending   = "sending"
	StatusSent      = "sent"
	StatusDelivered = "delivered"
	StatusRead      = "read"
	StatusPlayed    = "played"
	StatusFailed    = "failed"
)

// Failure says why a message did not arrive.
type Failure struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Media is a file of a message. Its content is at URL, on this server; a linked file of the business has the link there.
type Media struct {
	ID       string `json:"id,omitempty"`
	URL      string `json:"url"`
	MIMEType string `json:"mime_type,omitempty"`
	Filename string `json:"filename,omitempty"`
	Size     int64  `json:"size,omitempty"`
	Voice    bool   `json:"voice,omitempty"`
}

// Location is a place.
type Location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
}

// Contact is a contact card.
type Contact struct {
	Name    string `json:"name"`
	Phone   string `json:"phone,omitempty"`
	Email   string `json:"email,omitempty"`
	Company string `json:"company,omitempty"`
}

// Template is a template message. Message.Text has its parameters, since its text is with Meta.
type Template struct {
	Name       string   `json:"name"`
	Language   string   `json:"language"`
	Parameters []string `json:"parameters,omitempty"`
}

// Product is a product of a catalog.
type Product struct {
	ID       string  `json:"id"` // product_retailer_id
	Catalog  string  `json:"catalog,omitempty"`
	Quantity int     `json:"quantity,omitempty"` // of an order
	Price    float64 `json:"price,omitempty"`    // of one, in an order
	Currency string  `json:"currency,omitempty"`
}

// Option is a button, a row of a list, or a link.
type Option struct {
	// Kind is reply, row, quick_reply (these three are tapped by POST /api/tap), url (a link to open), phone (a number to
	// call), copy (a code to copy), location (the person is asked for a location: show the form of one), form (a form of
	// Meta's Flows: POST /api/tap with Tap.Form) or none (shown, and without effect here).
	Kind        string `json:"kind"`
	ID          string `json:"id,omitempty"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Section     string `json:"section,omitempty"` // heading of a list's rows
	URL         string `json:"url,omitempty"`     // of url; http or https
	Value       string `json:"value,omitempty"`   // of phone and copy
}

// The values of Option.Kind.
const (
	OptionReply      = "reply"
	OptionRow        = "row"
	OptionQuickReply = "quick_reply"
	OptionURL        = "url"
	OptionPhone      = "phone"
	OptionCopy       = "copy"
	OptionLocation   = "location"
	OptionForm       = "form"
	OptionNone       = "none"
)

// Card is a card of a carousel.
type Card struct {
	Media   *Media   `json:"media,omitempty"`
	Text    string   `json:"text,omitempty"`
	Product *Product `json:"product,omitempty"`
	Options []Option `json:"options,omitempty"`
}

// Reaction is an emoji on a message.
type Reaction struct {
	From  string `json:"from"`
	Emoji string `json:"emoji"`
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
	TraceTrouble  = "trouble"  // a trouble begins, acts or is over
	TraceServer   = "server"   // this server
)

// The values of Trace.Level.
const (
	LevelInfo    = "info"
	LevelOK      = "ok"
	LevelWarning = "warning"
	LevelError   = "error"
)

// Exchange is an HTTP request and its answer. Credentials are left out. Bodies are cut after 16 KiB, and those that are no
// text are described.
type Exchange struct {
	Method   string `json:"method"`
	URL      string `json:"url"`
	Status   int    `json:"status,omitempty"` // 0: no answer
	Request  string `json:"request,omitempty"`
	Response string `json:"response,omitempty"`
}

// Trouble is something that goes wrong while it is on.
type Trouble struct {
	Name  string     `json:"name"`
	Title string     `json:"title"`
	Group string     `json:"group"` // AI, Meta or Conversation
	What  string     `json:"what"`  // what happens, and what the receiver does about it
	On    bool       `json:"on"`
	Since *time.Time `json:"since,omitempty"`
	// Once means that it is over by itself after it has acted once.
	Once bool `json:"once"`
}

// The names of troubles.
const (
	TroubleAIDown       = "ai-down"
	TroubleAISlow       = "ai-slow"
	TroubleAI429        = "ai-429"
	TroubleAIGarbage    = "ai-garbage"
	TroubleBadSignature = "bad-signature"
	TroubleDuplicate    = "duplicate"
	TroubleOutOfOrder   = "out-of-order"
	TroubleRateLimit    = "rate-limit"
	TroubleSendUnknown  = "send-unknown"
	TroubleTokenRefused = "token-refused"
	TroubleDayLater     = "24-hours-later"
	TroublePeople       = "people-take-over"
)

// Switch turns a trouble on or off.
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

// The events of the stream, with the type of their data. Each has an id; a browser that reconnects sends the last one as
// Last-Event-ID, and gets what it missed. StreamReset means that what the page shows is void: load the state again.
const (
	StreamMessage = "message" // Message: a new one
	StreamEdit    = "edit"    // Message: replaces the one with its id
	StreamStatus  = "status"  // StatusChange
	StreamTyping  = "typing"  // Typing
	StreamTrace   = "trace"   // Trace
	StreamTrouble = "trouble" // Trouble
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
