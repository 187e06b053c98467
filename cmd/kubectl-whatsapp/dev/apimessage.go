// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import "time"

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
