// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// configurationAlerts returns the alerts about values that an administrator has to provide or renew.
func configurationAlerts() []alert {
	return []alert{
		{
			name:     "WhatsAppSecretMissing",
			severity: critical,
			pending:  "5m",
			expr:     `max by (role) (whatsapp_secret_missing{@self}) == 1`,
			summary:  "the secret {{ $labels.role }} is missing",
			description: "The receiver has no value for {{ $labels.role }}: the Secret or the key that the spec refers to does not exist or is empty. " +
				"Without one of " + strings.Join(config.RolesForDeliveries, ", ") + " the receiver is not ready, and no delivery is accepted. " +
				"Without any other, deliveries are stored, and processing that needs the value waits: answers, notices, backups.",
		},
		{
			name:        "WhatsAppConfigurationRejected",
			severity:    warning,
			pending:     "5m",
			expr:        `max(whatsapp_configuration_rejected{@self}) == 1`,
			summary:     "the receiver does not use all of its newest configuration",
			description: "A part of the newest configuration or secrets cannot be loaded, needs a restart, or is unknown to the version of the receiver, which works without that part.",
		},
		{
			name:        "WhatsAppTokenExpiring",
			severity:    warning,
			pending:     "10m",
			expr:        `min(whatsapp_token_expires_timestamp_seconds{@self}) - time() < 7 * 24 * 3600 > 0`,
			summary:     "the access token expires within 7 days",
			description: "The access token expires in {{ $value | humanizeDuration }}. Then people get no answers.",
		},
		{
			name:        "WhatsAppTokenExpired",
			severity:    critical,
			pending:     "1m",
			expr:        unless(`min(whatsapp_token_expires_timestamp_seconds{@self}) - time() <= 0`, tokenRefused),
			summary:     "the access token has expired",
			description: "The time at which Meta said that the access token expires has passed. Meta refuses it, and people get no answers.",
		},
	}
}
