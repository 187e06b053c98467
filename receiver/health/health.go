// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package health defines the body of GET /status: the admin port of a receiver writes it, the operator reads it.
package health

import "time"

// Report is the body of GET /status. It contains no personal data and no secrets.
type Report struct {
	Status         string            `json:"status"`   // starting until the store is open, then healthy, or warning if Warnings has an entry
	Warnings       []string          `json:"warnings"` // what an administrator has to look at
	Version        string            `json:"version"`
	MissingSecrets []string          `json:"missing_secrets"` // by role, as in the config package
	Problems       map[string]string `json:"problems"`        // by operation or scope; each one needs an administrator's action
	ClosedScopes   []ClosedScope     `json:"closed_scopes"`   // for which messages wait
	Token          TokenState        `json:"token"`
	TokenExpiresAt *time.Time        `json:"token_expires_at"` // null if the token does not expire or the expiry is unknown
	Subscription   Subscription      `json:"subscription"`
	Standby        []Standby         `json:"standby"`          // phone numbers whose messages go to another responder
	Backup         *Backup           `json:"backup,omitempty"` // nil, and the key absent, without a schedule of backups
	*Backlog                         // nil, and its keys absent, while the store is unavailable
	Metrics        Figures           `json:"metrics"`
	Totals         Totals            `json:"totals"`
}

// The values of Status.
const (
	StatusStarting = "starting"
	StatusHealthy  = "healthy"
	StatusWarning  = "warning"
)

// Backlog counts the contents of the store, which several receivers may share.
type Backlog struct {
	Pending             int64   `json:"pending"` // messages
	PendingStatuses     int64   `json:"pending_statuses"`
	PendingNotices      int64   `json:"pending_notices"`
	OldestPendingSecs   float64 `json:"oldest_pending_seconds"`
	DeadLetters         int64   `json:"dead_letters"`
	Quarantined         int64   `json:"quarantined"`
	ActiveConversations int64   `json:"active_conversations"`
	HumanConversations  int64   `json:"human_conversations"` // that people have, not the AI

	// DeadLettersExpireAt is when the oldest dead letter or quarantined event is purged: at the end of its retention, or of its
	// notice if that is later; null if there is none.
	DeadLettersExpireAt *time.Time `json:"dead_letters_expire_at"`

	// WaitingForPeople is nil, and the key absent, if the conversations that people have cannot be read.
	WaitingForPeople *WaitingForPeople `json:"waiting_for_people,omitempty"`
}

// Backup is the state of the scheduled backups of the embedded store.
type Backup struct {
	LastSuccessAt *time.Time `json:"last_success_at"` // when the newest complete backup was begun; null if none is known
	LastSizeBytes int64      `json:"last_size_bytes"`
	Copies        int        `json:"copies"` // the number of complete backups
	LastErrorAt   *time.Time `json:"last_error_at,omitempty"`
	LastError     string     `json:"last_error,omitempty"` // of the last attempt, unless it succeeded
	NextAt        time.Time  `json:"next_at"`
	OverdueAt     time.Time  `json:"overdue_at"` // an hour after the second time of the schedule since the newest backup, or after the start
}

// WaitingForPeople counts the conversations in which the person waits for people, who have it.
type WaitingForPeople struct {
	Conversations int64   `json:"conversations"`
	OldestSecs    float64 `json:"oldest_seconds"` // of the longest wait
	IsCut         bool    `json:"cut,omitempty"`  // only the first 50,000 conversations that people have were counted, by name
}

// Standby counts the messages of a phone number that went to another responder since the first of them, as this receiver
// has seen it.
type Standby struct {
	PhoneNumberID string    `json:"phone_number_id"`
	Messages      int64     `json:"messages"`
	LastAt        time.Time `json:"last_at"`
}

// ClosedScope is a scope that may not be called now.
type ClosedScope struct {
	Scope  string    `json:"scope"`  // such as bird or number:106540352242922; the kind alone for one conversation
	Reason string    `json:"reason"` // rate_limited, refused or unavailable
	Code   string    `json:"code,omitempty"`
	Cause  string    `json:"cause,omitempty"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"` // the next probe
}

// Figures are the figures that guides for WhatsApp webhooks recommend. They cover the time since Since: the last hour, or
// less if the process started later.
type Figures struct {
	Since                 time.Time        `json:"since"`
	SuccessRate           float64          `json:"success_rate"` // percent of the finished messages
	MessagesReceived      int64            `json:"messages_received"`
	MessagesProcessed     int64            `json:"messages_processed"`
	MessagesFailed        int64            `json:"messages_failed"` // dead letters, less the ones that a replay processed
	AvgProcessingTimeMS   float64          `json:"avg_processing_time_ms"`
	ErrorCounts           map[string]int64 `json:"error_counts"` // by code of Meta, the AI or HTTP
	LastMessageAgoMinutes *int64           `json:"last_message_ago_minutes"`
}

// Totals count since the process started, at Since.
type Totals struct {
	Since             time.Time `json:"since"`
	MessagesReceived  int64     `json:"messages_received"`
	MessagesProcessed int64     `json:"messages_processed"`
	MessagesFailed    int64     `json:"messages_failed"`
}

// TokenState is the result of Meta's last check of the access token.
type TokenState string

// The states of a token.
const (
	TokenUnknown  TokenState = "unknown" // not checked yet
	TokenAccepted TokenState = "accepted"
	TokenRefused  TokenState = "refused"
)

// Subscription compares the declared webhook subscription with the one at Meta.
type Subscription struct {
	State SubscriptionState `json:"state"`
	// Problem describes what an administrator has to fix. It is empty unless the state is failed.
	Problem string `json:"problem,omitempty"`
}

// SubscriptionState is the state of the subscription.
type SubscriptionState string

// The states of a subscription.
const (
	SubscriptionNotRequested SubscriptionState = "not_requested"
	SubscriptionPending      SubscriptionState = "pending" // not checked yet
	SubscriptionActive       SubscriptionState = "active"  // as declared at the last check
	SubscriptionFailed       SubscriptionState = "failed"
)
