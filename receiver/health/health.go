// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package health is what a receiver says of itself on /status: written by its admin port, read by the operator.
package health

import "time"

// Report is the body of GET /status. It tells no personal data and no secret. Figures under metrics count since the
// process started.
type Report struct {
	Status         string            `json:"status"` // healthy or warning
	Version        string            `json:"version"`
	MissingSecrets []string          `json:"missing_secrets"` // by role, as in the config package
	Problems       map[string]string `json:"problems"`        // by operation; what a person has to mend
	Token          TokenState        `json:"token"`
	TokenExpiresAt *time.Time        `json:"token_expires_at"` // null for one that does not expire, or when that is not known
	Subscription   Subscription      `json:"subscription"`
	*Backlog                         // nil, and its keys absent, while the store cannot be read
	Metrics        HealthFigures     `json:"metrics"`
}

// Backlog is what the store holds, which several receivers may share.
type Backlog struct {
	Pending             int64   `json:"pending"` // messages
	PendingStatuses     int64   `json:"pending_statuses"`
	PendingNotices      int64   `json:"pending_notices"`
	OldestPendingSecs   float64 `json:"oldest_pending_seconds"`
	DeadLetters         int64   `json:"dead_letters"`
	Quarantined         int64   `json:"quarantined"`
	ActiveConversations int64   `json:"active_conversations"`
}

// HealthFigures are those that WhatsApp webhook guides ask for.
type HealthFigures struct {
	SuccessRate           float64          `json:"success_rate"` // percent of the messages that reached an end
	MessagesReceived      int64            `json:"messages_received"`
	MessagesProcessed     int64            `json:"messages_processed"`
	MessagesFailed        int64            `json:"messages_failed"`
	AvgProcessingTimeMS   float64          `json:"avg_processing_time_ms"` // of the newest 1000
	ErrorCounts           map[string]int64 `json:"error_counts"`           // by code of Meta, Bird or HTTP
	LastMessageAgoMinutes *int64           `json:"last_message_ago_minutes"`
}

// TokenState is what Meta last said of the access token.
type TokenState string

// The states of a token.
const (
	TokenUnknown  TokenState = "unknown" // Meta was not asked yet
	TokenAccepted TokenState = "accepted"
	TokenRefused  TokenState = "refused"
)

// Subscription is how far the declared webhook subscription stands at Meta.
type Subscription struct {
	State SubscriptionState `json:"state"`
	// Problem says what a person has to mend; empty unless the state is failed.
	Problem string `json:"problem,omitempty"`
}

// SubscriptionState is one word for how far the subscription is.
type SubscriptionState string

// The states of a subscription.
const (
	SubscriptionNotRequested SubscriptionState = "not_requested"
	SubscriptionPending      SubscriptionState = "pending" // not looked at yet
	SubscriptionActive       SubscriptionState = "active"  // as declared when last looked at
	SubscriptionFailed       SubscriptionState = "failed"
)
