// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import "encoding/json"

// Answer is what Bird says to a question. Without replies nothing is sent.
type Answer struct {
	Replies []Reply // in order
	// Handoff, when set, hands the conversation to a human.
	Handoff *Handoff
	// Later means that Bird took the question and answers by another way.
	Later bool
}

// Handoff is why a human has to take over, and the last words to the person, to be sent after the replies; both may be
// empty.
type Handoff struct {
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

// Reply is one message to the person: Kind says which of the fields below it are set. Lengths are Bird's, and may be
// over WhatsApp's limits.
type Reply struct {
	Kind Kind

	Text       string      // KindText; the body of KindButtons and KindList
	PreviewURL bool        // KindText
	Header     string      // KindButtons, KindList; may be empty
	Footer     string      // KindButtons, KindList; may be empty
	Buttons    []Option    // KindButtons, at least one
	List       *List       // KindList
	Media      *ReplyMedia // KindMedia
	Template   *Template   // KindTemplate
	Location   *Location   // KindLocation
	Emoji      string      // KindReaction, to the message that is answered; empty takes a reaction away
}

// Kind is the form of a reply.
type Kind string

// The kinds.
const (
	KindText     Kind = "text"
	KindButtons  Kind = "buttons"
	KindList     Kind = "list"
	KindMedia    Kind = "media"
	KindTemplate Kind = "template"
	KindLocation Kind = "location"
	KindReaction Kind = "reaction"
)

// Option is a button or a row of a list: ID comes back when the person takes it.
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

// ReplyMedia is at a public URL, or was uploaded to Meta before: one of URL and MediaID is set.
type ReplyMedia struct {
	Type     string // image, video, audio, document or sticker
	URL      string
	MediaID  string
	Caption  string
	Filename string
}

// Template is an approved message template. Components are as the Cloud API takes them, and may be nil.
type Template struct {
	Name       string
	Language   string // such as es or en_US
	Components json.RawMessage
}
