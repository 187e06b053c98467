// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import "time"

const (
	day = 24 * time.Hour
	// maxExpiryNotice is how long before their purge dead letters are announced, if they are kept for at least four times
	// as long.
	maxExpiryNotice = 7 * day
)

// Retention returns how long the payloads of finished events are kept.
func (s Store) Retention() time.Duration { return time.Duration(s.RetentionDays) * day }

// DeadLetterRetention returns how long dead letters and quarantined events are kept.
func (s Store) DeadLetterRetention() time.Duration { return time.Duration(s.DeadLetterDays) * day }

// ExpiryNotice returns how long before their purge dead letters are announced: 7 days, or a quarter of their retention if
// that is less.
func (s Store) ExpiryNotice() time.Duration { return min(maxExpiryNotice, s.DeadLetterRetention()/4) }
