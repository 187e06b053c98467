// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"slices"
	"time"
)

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

// Holders are up to three holders. Assistant stands for none.
type Holders [3]Holder

// Takeover is a change of who has a conversation. The zero value means that the AI always had it.
type Takeover struct {
	By    Holder
	Until time.Time // end of the takeover; zero gives the conversation to the AI
	At    time.Time // time of the change at its source: a store ignores a change that is older than the current one
	// Event is the event whose answer handed the conversation off (see Handoff); its own answer may still be sent. Of another
	// responder it is the message on standby, if one showed the takeover.
	Event ID
	// Preserves are the holders whose active takeover the change does not end. It belongs to the change and is not stored.
	Preserves Holders
}

// Active reports whether people have the conversation at now.
func (t Takeover) Active(now time.Time) bool { return now.Before(t.Until) }

// Changes reports whether a store replaces the current takeover by t. It ignores a change that is older than the current
// takeover, and a change that preserves its holder.
func (t Takeover) Changes(current Takeover) bool {
	if current.By != Assistant && current.Active(t.At) && slices.Contains(t.Preserves[:], current.By) {
		return false
	}

	return !t.At.Before(current.At)
}

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
