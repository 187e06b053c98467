// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// downAlert returns the alert about receivers that do not run, unless the resource wants none.
func downAlert(p Params) []alert {
	if replicas := p.replicas(); replicas != nil && *replicas == 0 {
		return nil
	}

	return []alert{{
		name:     "WhatsAppReceiverDown",
		severity: critical,
		pending:  "5m",
		expr:     `absent(up{@self} == 1)`,
		summary:  "Prometheus reaches no receiver",
		description: "Prometheus has reached no receiver for 5 minutes. Either none runs, and Meta's deliveries fail, " +
			"or only Prometheus cannot reach them.",
	}}
}

// deliveryAlerts returns the alerts about deliveries that Meta cannot deliver.
func deliveryAlerts() []alert {
	return []alert{
		{
			name:     "WhatsAppDeliveriesNotTaken",
			severity: critical,
			pending:  "2m",
			expr: unless(
				`sum(rate(whatsapp_webhook_requests_total{@self,code=~"5.."}[5m])) / `+
					`sum(rate(whatsapp_webhook_requests_total{@self}[5m])) > 0.05 `+
					`and sum(increase(whatsapp_webhook_requests_total{@self,code=~"5.."}[5m])) >= 3`,
				diskFull,
				`max(whatsapp_secret_missing{@self,role=~"`+strings.Join(config.RolesForDeliveries, "|")+`"}) == 1`,
			),
			summary: "deliveries are not accepted",
			description: "{{ $value | humanizePercentage }} of the requests to the webhook are answered 5xx: they were not stored. " +
				"Meta delivers them again for up to 7 days.",
		},
		{
			name:     "WhatsAppDeliveriesRefused",
			severity: warning,
			pending:  "15m",
			expr: `sum by (code) (rate(whatsapp_webhook_requests_total{@self,code=~"4.."}[15m])) / on () group_left () ` +
				`sum(rate(whatsapp_webhook_requests_total{@self}[15m])) > 0.05 ` +
				`and sum by (code) (increase(whatsapp_webhook_requests_total{@self,code=~"4.."}[15m])) >= 3`,
			summary: "requests to the webhook are answered {{ $labels.code }}",
			description: "{{ $value | humanizePercentage }} of the requests to the webhook are answered {{ $labels.code }}. " +
				"If they are Meta's, people get no answers, and Meta delivers them again for up to 7 days.",
		},
	}
}
