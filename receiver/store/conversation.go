// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"time"
)

// MaxAIConversationID is the maximum size of [Conversation.AIConversationID], in bytes.
const MaxAIConversationID = 256

// MaxNames limits the names of one person. A join that would exceed it is ignored.
const MaxNames = 32

// Conversation is the state of the conversation with a person. Every lane name known for the person leads to it: names
// that [Event.Aliases] joins share one state and one lane of class Conversations, together with all names joined to them
// before. When two lanes are joined, the pending events are processed in the order of their arrival, and a lease stays;
// of two leases, that on the lane of the alias is lost.
type Conversation struct {
	// LastInboundAt is when the person wrote or called last (see [Event.InboundAt]), or zero if that is unknown. It may lag
	// by less than a minute, so that a burst of messages does not write it each time.
	LastInboundAt time.Time
	Takeover      Takeover // who has the conversation
	// TemplateRequired reports whether only a template reaches the person. The person's next message or call clears it at
	// ingest, unless it is older than LastInboundAt.
	// Purging the conversation loses it, but a zero LastInboundAt has the same meaning.
	TemplateRequired bool
	// AIConversationID is the id that the AI gave the conversation, or empty if it gave none. It is purged with the
	// conversation, which stays as long as after a message if the person never wrote.
	AIConversationID string
}

// WaitsSince returns since when the person waits for people, or zero. After a handoff by the AI the person waits from the
// handoff on. In other takeovers people wrote at Takeover.At, and the person waits if the newest message is later. A message
// of people ends the wait.
func (c Conversation) WaitsSince() time.Time {
	switch {
	case c.Takeover.By == HandedOff:
		return c.Takeover.At
	case c.LastInboundAt.After(c.Takeover.At):
		return c.LastInboundAt
	default:
		return time.Time{}
	}
}

// Merge returns the state of a person whose two names were joined: the newest message, the newer takeover, and
// TemplateRequired and AIConversationID of the newer state, or the other's id if that has none. If both are equally new, a
// template is required if either requires it, and the greater id counts.
func (c Conversation) Merge(other Conversation) Conversation {
	switch c.LastInboundAt.Compare(other.LastInboundAt) {
	case -1:
		c.LastInboundAt = other.LastInboundAt
		c.TemplateRequired = other.TemplateRequired
		c.AIConversationID = cmp.Or(other.AIConversationID, c.AIConversationID)
	case 0:
		c.TemplateRequired = c.TemplateRequired || other.TemplateRequired
		c.AIConversationID = max(c.AIConversationID, other.AIConversationID)
	case 1:
		c.AIConversationID = cmp.Or(c.AIConversationID, other.AIConversationID)
	}

	c.Takeover = c.Takeover.Newer(other.Takeover)

	return c
}
