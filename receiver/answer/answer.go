// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package answer holds the answers of an AI: the kinds of messages in them, and the forms of JSON in which they arrive
// (docs/bird-contract.md).
package answer

import "encoding/json"

// Answer is the AI's answer to a request. Without replies nothing is sent.
type Answer struct {
	Replies []Reply // in order
	Usage   Usage
	// Handoff, when set, hands the conversation to a human.
	Handoff *Handoff
	// Later means that the AI accepted the request and answers by the messages API (later answer).
	Later bool
	// Empty means that the response is an empty answer.
	Empty bool
	// ConversationID is the AI's own id of the conversation. Empty removes the id; nil leaves it as it is.
	ConversationID *string
	// BadConversationID reports whether the answer has an id that cannot be kept.
	BadConversationID bool
}

// Usage is the token usage of an answer, if the AI reports it.
type Usage struct {
	InputTokens  int64
	OutputTokens int64
	// Truncated means that the AI stopped at its limit of tokens, in the middle of the answer.
	Truncated bool
}

// Handoff is the reason why a human takes over, and a text to the person, sent after the replies. Both may be empty.
type Handoff struct {
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

// Reply is one message to the person. Kind determines which of the other fields are set. Lengths and counts are as
// the AI sent them, and may exceed WhatsApp's limits.
type Reply struct {
	Kind Kind

	Text       string            // KindText; the body of the kinds with something to tap
	PreviewURL bool              // KindText
	Buttons    []Option          // KindButtons, at least one
	List       *List             // KindList
	Link       *Link             // KindLink
	Flow       *Flow             // KindFlow
	Address    *Address          // KindAddress
	Product    *Product          // KindProduct
	Products   *Products         // KindProducts
	Thumbnail  string            // KindCatalog; the id of a product, may be empty
	Cards      []Card            // KindCarousel
	Contacts   []json.RawMessage // KindContacts, in Meta's form
	Media      *ReplyMedia       // KindMedia
	Template   *Template         // KindTemplate
	Location   *Location         // KindLocation
	Emoji      string            // KindReaction, to the answered message; empty removes a reaction

	// Header, or a file in its place, and Footer are above and below the body. They may be empty.
	Header      string
	HeaderMedia *ReplyMedia // image, video or document
	Footer      string
}

// Kind is the form of a reply.
type Kind string

// The kinds.
const (
	KindText            Kind = "text"
	KindButtons         Kind = "buttons"
	KindList            Kind = "list"
	KindLink            Kind = "cta_url"
	KindFlow            Kind = "flow"
	KindLocationRequest Kind = "location_request"
	KindContactRequest  Kind = "request_contact_info"
	KindCallRequest     Kind = "call_permission"
	KindAddress         Kind = "address"
	KindProduct         Kind = "product"
	KindProducts        Kind = "product_list"
	KindCatalog         Kind = "catalog"
	KindCarousel        Kind = "carousel"
	KindContacts        Kind = "contacts"
	KindMedia           Kind = "media"
	KindTemplate        Kind = "template"
	KindLocation        Kind = "location"
	KindReaction        Kind = "reaction"
)

// Option is a button or a row of a list. WhatsApp returns ID when the person selects it.
type Option struct {
	ID          string
	Title       string
	Description string // of rows; may be empty
}

// List is a menu that a button opens.
type List struct {
	ButtonText string // may be empty
	Sections   []Section
}

// Section is a part of a list.
type Section struct {
	Title string // may be empty
	Rows  []Option
}

// Link is a button that opens a web page.
type Link struct {
	Label string
	URL   string
}

// Flow is a form of Meta's that a button opens: ID or Name is set.
type Flow struct {
	Label  string // of the button
	ID     string
	Name   string
	Token  string          // may be empty
	Mode   string          // draft, published or empty
	Action string          // navigate, data_exchange or empty
	Screen string          // may be empty
	Data   json.RawMessage // an object or nil
}

// Address is a form for the person's address.
type Address struct {
	Country string // IN or SG
	Values  map[string]string
	Saved   []SavedAddress
	Errors  map[string]string // by field
}

// SavedAddress is an address that the person can choose.
type SavedAddress struct {
	ID     string            `json:"id"`
	Values map[string]string `json:"value"`
}

// Product is a product of a catalog.
type Product struct {
	CatalogID  string
	RetailerID string
}

// Products is a list of products of a catalog.
type Products struct {
	CatalogID string
	Sections  []ProductSection
}

// ProductSection is a part of a list of products.
type ProductSection struct {
	Title       string // may be empty
	RetailerIDs []string
}

// Card is one of several side by side: a picture with a link or buttons, or a product.
type Card struct {
	Media   *ReplyMedia
	Text    string
	Link    *Link
	Buttons []Option
	Product *Product
}

// ReplyMedia is a file at a public URL or uploaded to Meta: one of URL and MediaID is set.
type ReplyMedia struct {
	Type     string // image, video, audio, document or sticker
	URL      string
	MediaID  string
	Caption  string
	Filename string
	Voice    bool // of audio: shown as a voice message
}

// Location is a position, in degrees.
type Location struct {
	Latitude  float64
	Longitude float64
	Name      string // may be empty
	Address   string // may be empty
}

// Template is an approved message template. Components have the form of the Cloud API and may be nil.
type Template struct {
	Name       string
	Language   string // such as es or en_US
	Components json.RawMessage
}
