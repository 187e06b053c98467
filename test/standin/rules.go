// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"slices"
	"sync"
)

// Rules are rules of Meta that depend on the settings of an app or a business, or on what Meta knows of a person. The zero
// value enforces none of them, so that a test turns on what it is about.
type Rules struct {
	// RequireAppSecret is the app setting "Require App Secret": calls without appsecret_proof are refused.
	RequireAppSecret bool `json:"requireAppSecret"`
	// UnseenNumbers are the phone numbers that the access token may not see: the asset is not assigned to its system user.
	UnseenNumbers []string `json:"unseenNumbers,omitempty"`
	// Window lets a free-form message fail with 131047 unless the person wrote or called within 24 hours before, by the
	// timestamps of the deliveries that Observe got.
	Window bool `json:"window"`
	// KnownContext refuses to quote a message that was neither observed nor sent.
	KnownContext bool `json:"knownContext"`
	// EscalationPartner is the app's role in Conversation Routing: it may take threads of other responders, and does so
	// with a free-form message. Other apps may not send in such a thread.
	EscalationPartner bool `json:"escalationPartner"`
}

// rules are the Rules of a Graph. They may change while it serves.
type rules struct {
	mu      sync.Mutex
	current Rules
}

// Rules returns the current rules.
func (g *Graph) Rules() Rules {
	g.rules.mu.Lock()
	defer g.rules.mu.Unlock()

	current := g.rules.current
	current.UnseenNumbers = slices.Clone(current.UnseenNumbers)

	return current
}

// SetRules changes the rules for the calls that follow.
func (g *Graph) SetRules(change func(*Rules)) {
	g.rules.mu.Lock()
	defer g.rules.mu.Unlock()

	change(&g.rules.current)
}
