// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import "time"

// HistoryMessage is one message of a conversation before the message that the AI is asked about.
type HistoryMessage struct {
	Role Role
	Text string // as the message was sent, or in the Markdown that the AI writes; of a Handoff the reason, which may be empty
	// Speaker is the name in the profile of a person in a group, as the person chose it. It may be empty.
	Speaker string
	At      time.Time
}

// Role is who said something.
type Role string

// The roles. A message of the role Handoff is an event: the AI gave the conversation to people.
const (
	FromPerson  Role = "person"
	FromAI      Role = "ai"
	FromDesk    Role = "desk" // people of the business
	FromHandoff Role = "handoff"
)
