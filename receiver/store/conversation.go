// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "time"

// MaxNames bounds the names of one person. A connection that would give a person more is not made.
const MaxNames = 32

// Conversation is the state of the conversation with a person. It is found under the name of each lane that is known to
// be the person's: names that [Event.Alias] or [Step.Join] connects share one state, and so does what they were connected
// with before.
type Conversation struct {
	// LastInboundAt is when the newest pending message of the person, in class Conversations, was received. It may lag
	// behind by less than a minute, so that a burst of messages does not write it each time. Zero: none is known.
	LastInboundAt time.Time
	HumanUntil    time.Time // a person answers until then, not the AI; zero when nobody does
	// TemplateRequired says that only a template reaches the person. A new message of the person clears it, when it is
	// ingested. It is forgotten with the conversation, whose zero LastInboundAt says the same.
	TemplateRequired bool
}

// Merge returns the one state of a person who was known by two names: the newest message, the later end of human mode,
// and of the newer state whether a template is required. Of two that are as new, either may require it.
func (c Conversation) Merge(other Conversation) Conversation {
	switch c.LastInboundAt.Compare(other.LastInboundAt) {
	case -1:
		c.LastInboundAt = other.LastInboundAt
		c.TemplateRequired = other.TemplateRequired
	case 0:
		c.TemplateRequired = c.TemplateRequired || other.TemplateRequired
	}

	if c.HumanUntil.Before(other.HumanUntil) {
		c.HumanUntil = other.HumanUntil
	}

	return c
}
