// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"maps"
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
	// UnseenFields are the fields of phone numbers that the access token may not read. Graph refuses a whole call for one of them.
	UnseenFields []string `json:"unseenFields,omitempty"`
	// Window lets a free-form message fail with 131047 unless the person wrote or called within 24 hours before, by the
	// timestamps of the deliveries that Observe got.
	Window bool `json:"window"`
	// KnownContext refuses to quote a message that was neither observed nor sent.
	KnownContext bool `json:"knownContext"`
	// EscalationPartner is the app's role in Conversation Routing: it may take threads of other responders, and does so
	// with a free-form message. Other apps may not send in such a thread.
	EscalationPartner bool `json:"escalationPartner"`
	// FailedFetches are the HTTP statuses with which servers refuse Meta's download of linked media, by prefix of the link.
	// The message then fails with 131053.
	FailedFetches map[string]int `json:"failedFetches,omitempty"`
	// Throughput is how many messages a phone number may send in one second; a further one is refused with 130429. Meta
	// allows 80, and 20 where the WhatsApp Business app has the number too. 0 sets no limit.
	Throughput int `json:"throughput"`
	// PairRate lets a phone number send one message in 6 s to a person, and 45 in advance; a further one is refused with
	// 131056.
	PairRate bool `json:"pairRate"`
	// Numbers are the states of phone numbers by id, where they differ from that of a registered one.
	Numbers map[string]NumberState `json:"numbers,omitempty"`
	// OtherApps are the apps of others that are subscribed to each business account.
	OtherApps []string `json:"otherApps,omitempty"`
	// TokenApp is the app that the access tokens were issued for. Defaults to GraphOptions.AppID.
	TokenApp string `json:"tokenApp,omitempty"`
	// TokenScopes are the permissions of the access tokens. Defaults to GraphOptions.TokenScopes.
	TokenScopes []string `json:"tokenScopes,omitempty"`
	// TokenRevoked refuses the access tokens, as after their owner has revoked them.
	TokenRevoked bool `json:"tokenRevoked"`
}

// rules are the Rules of a Graph and the secret of its app. They may change while it serves.
type rules struct {
	mu        sync.Mutex
	current   Rules
	appSecret string
}

// SetAppSecret replaces the secret of the app, as its owner does in the app's settings. The old one is then worth nothing.
func (g *Graph) SetAppSecret(secret string) {
	g.rules.mu.Lock()
	defer g.rules.mu.Unlock()

	g.rules.appSecret = secret
}

func (g *Graph) appSecret() string {
	g.rules.mu.Lock()
	defer g.rules.mu.Unlock()

	return g.rules.appSecret
}

// Rules returns the current rules.
func (g *Graph) Rules() Rules {
	g.rules.mu.Lock()
	defer g.rules.mu.Unlock()

	current := g.rules.current
	current.UnseenNumbers = slices.Clone(current.UnseenNumbers)
	current.UnseenFields = slices.Clone(current.UnseenFields)
	current.FailedFetches = maps.Clone(current.FailedFetches)
	current.Numbers = maps.Clone(current.Numbers)
	current.TokenScopes = slices.Clone(current.TokenScopes)
	current.OtherApps = slices.Clone(current.OtherApps)

	return current
}

// SetRules changes the rules for the calls that follow.
func (g *Graph) SetRules(change func(*Rules)) {
	g.rules.mu.Lock()
	defer g.rules.mu.Unlock()

	change(&g.rules.current)
}
