// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import "fmt"

const (
	critical = "critical" // customers get no answers, or deliveries are not accepted
	warning  = "warning"  // a person has to look during working hours
)

// alert is an alerting rule, with the placeholders of [Params.fill].
type alert struct {
	name, severity, expr          string
	pending                       string // how long the expression must hold
	summary, description, runbook string
}

// alerts returns the alerting rules of a resource. Metrics of the store are combined by max, since receivers that share one
// all report the same. Rates cover no more time than the rule must hold, so that a single failure fires no alert. An event
// that never happened has no series, and a sum with a missing series is empty: hence vector(0).
func alerts(p Params) []alert {
	all := []alert{
		{
			name:        "WhatsAppReceiverDown",
			severity:    critical,
			pending:     "5m",
			expr:        `absent(up{@self} == 1)`,
			summary:     "no receiver can be reached",
			description: "Prometheus has reached no receiver for 5 minutes. If none is running, deliveries fail; Meta retries them for up to 7 days.",
			runbook: "kubectl -n @namespace describe whatsappwebhook @resource shows the problem, and kubectl -n @namespace get pods -l app.kubernetes.io/instance=@name the pods. " +
				"If they are running, Prometheus cannot reach their port 9090: check spec.networkPolicy.adminFrom, and that a ServiceMonitor exists and is selected.",
		},
		{
			name:        "WhatsAppDeliveriesNotTaken",
			severity:    critical,
			pending:     "5m",
			expr:        `sum(rate(whatsapp_webhook_requests_total{@self,code=~"5.."}[5m])) / sum(rate(whatsapp_webhook_requests_total{@self}[5m])) > 0.05`,
			summary:     "deliveries cannot be stored",
			description: "{{ $value | humanizePercentage }} of Meta's deliveries are answered 5xx: they could not be stored durably. Meta retries them for up to 7 days.",
			runbook: "kubectl -n @namespace logs -l app.kubernetes.io/instance=@name --tail=100 shows the cause. Usual causes: the volume or the database is full, slow or unavailable; the app secret is missing; " +
				"more concurrent deliveries than the memory limit allows (load shedding).",
		},
		{
			name:        "WhatsAppDeliveriesRefused",
			severity:    warning,
			pending:     "15m",
			expr:        `sum by (code) (rate(whatsapp_webhook_requests_total{@self,code=~"4.."}[15m])) / on () group_left () sum(rate(whatsapp_webhook_requests_total{@self}[15m])) > 0.05`,
			summary:     "requests to the webhook are rejected with {{ $labels.code }}",
			description: "{{ $value | humanizePercentage }} of the requests to the webhook are answered {{ $labels.code }}. If they are Meta's, customers get no answers; Meta retries them for up to 7 days.",
			runbook: "401: no configured app secret matches the signature; compare it with App settings, Basic at Meta, and keep both in appSecretSecretRefs during a rotation. " +
				"403: the verify token differs from the one in the app's webhook settings. 413 and 400: the request is not Meta's, or a proxy changed it. Scanners of the address cause the same codes; then nothing is lost.",
		},
		{
			name:     "WhatsAppMessagesFailing",
			severity: critical,
			pending:  "10m",
			expr: `sum(rate(whatsapp_messages_failed_total{@self}[10m])) / ` +
				`(sum(rate(whatsapp_messages_failed_total{@self}[10m])) + (sum(rate(whatsapp_message_processing_seconds_count{@self}[10m])) or vector(0))) > 0.05`,
			summary:     "messages fail permanently",
			description: "{{ $value | humanizePercentage }} of the messages became dead letters: their senders got no answer.",
			runbook: "kubectl -n @namespace port-forward deployment/@name 9091, then curl localhost:9091/dead-letters shows each with its errors. " +
				"Fix the cause, then curl -X POST localhost:9091/dead-letters/replay processes them again.",
		},
		{
			name:     "WhatsAppCallsFailing",
			severity: warning,
			pending:  "10m",
			expr: `sum(rate(whatsapp_api_errors_total{@self}[10m])) / ` +
				`(sum(rate(whatsapp_api_errors_total{@self}[10m])) + (sum(rate(whatsapp_message_processing_seconds_count{@self}[10m])) or vector(0))) > 0.05`,
			summary:     "calls to Meta or Bird fail",
			description: "{{ $value | humanizePercentage }} of the calls to Meta or Bird failed. Most are retried, and customers wait longer.",
			runbook: "kubectl -n @namespace logs -l app.kubernetes.io/instance=@name --tail=100 names the calls and codes; whatsapp_api_errors_total counts them by code and class. " +
				"Check the health of Bird, and of the Cloud API at metastatus.com.",
		},
		{
			name:        "WhatsAppConfigurationRefused",
			severity:    critical,
			pending:     "5m",
			expr:        `sum by (code) (increase(whatsapp_api_errors_total{@self,class="configuration"}[5m])) > 0`,
			summary:     "a token, permission or address is rejected ({{ $labels.code }})",
			description: "Meta or Bird rejects the configuration with code {{ $labels.code }}. Messages wait, without spending attempts, until it is fixed.",
			runbook: "kubectl -n @namespace describe whatsappwebhook @resource names the rejected value. Fix the Secret or the field it names: a changed Secret takes effect within seconds, " +
				"without a restart, and waiting messages continue.",
		},
		{
			name:        "WhatsAppMessagesWaiting",
			severity:    warning,
			pending:     "1m",
			expr:        fmt.Sprintf(`max(whatsapp_oldest_pending_seconds{@self}) > %d`, p.oldestPendingSeconds()),
			summary:     "a message has waited {{ $value | humanizeDuration }}",
			description: fmt.Sprintf("The oldest unanswered message has waited {{ $value | humanizeDuration }}; the limit is %d s.", p.oldestPendingSeconds()),
			runbook: "Many waiting (whatsapp_message_queue_size) with a slow AI (whatsapp_ai_response_seconds): raise spec.processing.concurrency, or add replicas. " +
				"A few waiting: they are being retried or paused by a rate limit; curl localhost:9090/status through kubectl -n @namespace port-forward deployment/@name 9090 shows the cause.",
		},
		{
			name:        "WhatsAppDeadLetters",
			severity:    warning,
			pending:     "1m",
			expr:        `max(whatsapp_dead_letters{@self}) > 0`,
			summary:     "{{ $value }} dead letters need a person",
			description: "{{ $value }} messages failed permanently. They stay until a person replays or discards them.",
			runbook: "kubectl -n @namespace port-forward deployment/@name 9091, then curl localhost:9091/dead-letters shows each with its errors. " +
				"curl -X POST localhost:9091/dead-letters/<id>/replay processes one again, curl -X DELETE localhost:9091/dead-letters/<id> discards it.",
		},
		{
			name:        "WhatsAppStoreFailing",
			severity:    critical,
			pending:     "5m",
			expr:        `sum by (operation) (rate(whatsapp_store_errors_total{@self}[5m])) > 0`,
			summary:     "the store fails ({{ $labels.operation }})",
			description: "Calls to the store fail at {{ $labels.operation }}. If that is ingest or ping, deliveries are not accepted; otherwise messages wait.",
			runbook: "kubectl -n @namespace logs -l app.kubernetes.io/instance=@name --tail=100 shows the error. With the embedded store check the volume (kubectl -n @namespace describe pvc @name-store) and its node, " +
				"with PostgreSQL the database's health, connections and disk.",
		},
		{
			name:        "WhatsAppTokenExpiring",
			severity:    warning,
			pending:     "10m",
			expr:        `min(whatsapp_token_expires_timestamp_seconds{@self}) - time() < 7 * 24 * 3600`,
			summary:     "the access token expires within 7 days",
			description: "The access token expires in {{ $value | humanizeDuration }}. Without it no customer gets an answer.",
			runbook: "Create a System User token that does not expire, with whatsapp_business_messaging and whatsapp_business_management, in Business settings at Meta, " +
				"and put it into the Secret of spec.cloudAPI.accessTokenSecretRef. It takes effect within seconds, without a restart.",
		},
		{
			name:        "WhatsAppSubscriptionNotActive",
			severity:    warning,
			pending:     "15m",
			expr:        `min(whatsapp_subscription_active{@self}) == 0`,
			summary:     "Meta's webhook subscription differs from the spec",
			description: "The subscription in spec.cloudAPI.subscription could not be set up at Meta. Deliveries may be missing, or go to another address.",
			runbook:     "kubectl -n @namespace describe whatsappwebhook @resource shows in its Subscribed condition what to fix.",
		},
	}
	if shared(p.webhook.Spec.Store) {
		return all
	}

	return append(all, alert{
		name:     "WhatsAppVolumeFillingUp",
		severity: warning,
		pending:  "15m",
		expr: `kubelet_volume_stats_available_bytes{namespace="@namespace",persistentvolumeclaim="@name-store"} / ` +
			`kubelet_volume_stats_capacity_bytes{namespace="@namespace",persistentvolumeclaim="@name-store"} < 0.1`,
		summary:     "the volume of the store is nearly full",
		description: "{{ $value | humanizePercentage }} of the volume is free. When it is full, no delivery is accepted.",
		runbook:     "Raise spec.store.embedded.size, which grows the volume if its storage class allows it, or lower spec.store.retentionDays.",
	})
}
