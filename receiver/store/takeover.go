// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "time"

// Holder is who has a conversation.
type Holder string

// The holders of a conversation.
const (
	Assistant      Holder = ""                // the AI
	Colleague      Holder = "colleague"       // a person who answers in the WhatsApp Business app
	OtherResponder Holder = "other_responder" // another responder, to which Meta's conversation routing gave control
	HandedOff      Holder = "handed_off"      // people, because the AI asked for them
	Desk           Holder = "desk"            // a person who took over through the API or the console
)

// Takeover is a change of who has a conversation. The zero value means that the AI always had it.
type Takeover struct {
	By    Holder
	Until time.Time // end of the takeover; zero gives the conversation to the AI
	At    time.Time // time of the change at its source: a store ignores a change that is older than the current one
	// Event is the event whose answer handed the conversation off (see Handoff); its own answer may still be sent. Of another
	// responder it is the message on standby, after which a message of the person to this app ends the takeover.
	Event ID
}

// Active reports whether people have the conversation at now.
func (t Takeover) Active(now time.Time) bool { return now.Before(t.Until) }

// Handoff returns the event whose answer handed the conversation off: to the current holder, or to the people from whom a
// desk took it over. It reports false if the AI did not hand it off.
func (t Takeover) Handoff() (ID, bool) {
	isHandedOff := t.By == HandedOff || t.By == Desk

	return t.Event, isHandedOff && t.Event != (ID{})
}

// Newer returns the newer of two takeovers of one conversation: the later At, and if these are equal the later Until.
func (t Takeover) Newer(other Takeover) Takeover {
	if order := t.At.Compare(other.At); order < 0 || order == 0 && t.Until.Before(other.Until) {
		return other
	}

	return t
}
