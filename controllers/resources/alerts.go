// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import "fmt"

const (
	critical = "critical" // people get no answers, or deliveries are not taken
	warning  = "warning"  // somebody has to look, by day
)

// alert is a rule in words of [Params.fill].
type alert struct {
	name, severity, expr          string
	pending                       string // how long the expression has to hold
	summary, description, runbook string
}

// alerts compare figures of the store by max, since receivers that share one all tell the same. Rates are taken over no
// more time than they have to hold, so that one failure is no alert. What has never happened has no series, and would
// make a sum with it come to nothing: hence vector(0).
func alerts(p Params) []alert {
	all := []alert{
		{
			name:        "WhatsAppReceiverDown",
			severity:    critical,
			pending:     "5m",
			expr:        `absent(up{@self} == 1)`,
			summary:     "no receiver can be reached",
			description: "Prometheus has reached no receiver for 5 minutes. If none runs, deliveries fail; Meta repeats them for up to 7 days.",
			runbook: "kubectl -n @namespace describe whatsappwebhook @resource says what is wrong, and kubectl -n @namespace get pods -l app.kubernetes.io/instance=@name shows the pods. " +
				"If they run, Prometheus cannot reach their port 9090: see spec.networkPolicy.adminFrom, and whether a ServiceMonitor is there and selected.",
		},
		{
			name:        "WhatsAppDeliveriesNotTaken",
			severity:    critical,
			pending:     "5m",
			expr:        `sum(rate(whatsapp_webhook_requests_total{@self,code=~"5.."}[5m])) / sum(rate(whatsapp_webhook_requests_total{@self}[5m])) > 0.05`,
			summary:     "deliveries cannot be stored",
			description: "{{ $value | humanizePercentage }} of Meta's deliveries are answered 5xx: they could not be made durable. Meta repeats them for up to 7 days.",
			runbook: "kubectl -n @namespace logs -l app.kubernetes.io/instance=@name --tail=100 says why. Usual causes: the volume or the database is full, slow or away; the app secret is missing; " +
				"more deliveries at a time than memory is set aside for.",
		},
		{
			name:        "WhatsAppDeliveriesRefused",
			severity:    warning,
			pending:     "15m",
			expr:        `sum by (code) (rate(whatsapp_webhook_requests_total{@self,code=~"4.."}[15m])) / on () group_left () sum(rate(whatsapp_webhook_requests_total{@self}[15m])) > 0.05`,
			summary:     "requests to the webhook are refused with {{ $labels.code }}",
			description: "{{ $value | humanizePercentage }} of the requests to the webhook are answered {{ $labels.code }}. If they are Meta's, nobody is answered; Meta repeats them for up to 7 days.",
			runbook: "401: no configured app secret fits the signature; compare it with App settings, Basic at Meta, and while rotating keep both in appSecretSecretRefs. " +
				"403: the verify token differs from the one in the app's webhook settings. 413 and 400: what came is not Meta's, or a proxy changed it. Strangers who try the address cause the same; then nothing is lost.",
		},
		{
			name:     "WhatsAppMessagesFailing",
			severity: critical,
			pending:  "10m",
			expr: `sum(rate(whatsapp_messages_failed_total{@self}[10m])) / ` +
				`(sum(rate(whatsapp_messages_failed_total{@self}[10m])) + (sum(rate(whatsapp_message_processing_seconds_count{@self}[10m])) or vector(0))) > 0.05`,
			summary:     "messages fail for good",
			description: "{{ $value | humanizePercentage }} of the messages became dead letters: their people got no answer.",
			runbook: "kubectl -n @namespace port-forward deployment/@name 9091, then curl localhost:9091/dead-letters shows each with its errors. " +
				"Mend the cause, then curl -X POST localhost:9091/dead-letters/replay works them again.",
		},
		{
			name:     "WhatsAppCallsFailing",
			severity: warning,
			pending:  "10m",
			expr: `sum(rate(whatsapp_api_errors_total{@self}[10m])) / ` +
				`(sum(rate(whatsapp_api_errors_total{@self}[10m])) + (sum(rate(whatsapp_message_processing_seconds_count{@self}[10m])) or vector(0))) > 0.05`,
			summary:     "calls to Meta or Bird fail",
			description: "{{ $value | humanizePercentage }} of what was tried failed at Meta or Bird. Most of it is tried again, and people wait longer.",
			runbook: "kubectl -n @namespace logs -l app.kubernetes.io/instance=@name --tail=100 names the calls and codes; whatsapp_api_errors_total counts them by code and class. " +
				"Look at the health of Bird, and of the Cloud API at metastatus.com.",
		},
		{
			name:        "WhatsAppConfigurationRefused",
			severity:    critical,
			pending:     "5m",
			expr:        `sum by (code) (increase(whatsapp_api_errors_total{@self,class="configuration"}[5m])) > 0`,
			summary:     "a token, permission or address is refused ({{ $labels.code }})",
			description: "Meta or Bird refuses the configuration with code {{ $labels.code }}. Messages wait, spending no attempt, until it is mended.",
			runbook: "kubectl -n @namespace describe whatsappwebhook @resource names what is refused. Mend the Secret or the field it names: a changed Secret is used within moments, " +
				"without a restart, and what waits goes on by itself.",
		},
		{
			name:        "WhatsAppMessagesWaiting",
			severity:    warning,
			pending:     "1m",
			expr:        fmt.Sprintf(`max(whatsapp_oldest_pending_seconds{@self}) > %d`, p.oldestPendingSeconds()),
			summary:     "a message has waited {{ $value | humanizeDuration }}",
			description: fmt.Sprintf("The oldest message that is not answered has waited {{ $value | humanizeDuration }}; %d s are allowed.", p.oldestPendingSeconds()),
			runbook: "Many waiting (whatsapp_message_queue_size) with a slow AI (whatsapp_ai_response_seconds): raise spec.processing.concurrency, or add replicas. " +
				"A few waiting: they are being retried or are held by a rate limit; curl localhost:9090/status through kubectl -n @namespace port-forward deployment/@name 9090 says what is wrong.",
		},
		{
			name:        "WhatsAppDeadLetters",
			severity:    warning,
			pending:     "1m",
			expr:        `max(whatsapp_dead_letters{@self}) > 0`,
			summary:     "{{ $value }} dead letters wait for a person",
			description: "{{ $value }} messages failed for good. They are kept until somebody replays or discards them.",
			runbook: "kubectl -n @namespace port-forward deployment/@name 9091, then curl localhost:9091/dead-letters shows each with its errors. " +
				"curl -X POST localhost:9091/dead-letters/<id>/replay works one again, curl -X DELETE localhost:9091/dead-letters/<id> gives it up.",
		},
		{
			name:        "WhatsAppStoreFailing",
			severity:    critical,
			pending:     "5m",
			expr:        `sum by (operation) (rate(whatsapp_store_errors_total{@self}[5m])) > 0`,
			summary:     "the store fails ({{ $labels.operation }})",
			description: "Calls to the store fail at {{ $labels.operation }}. Where that is ingest or ping, deliveries are not taken; else messages wait.",
			runbook: "kubectl -n @namespace logs -l app.kubernetes.io/instance=@name --tail=100 has the error. With the embedded store look at the volume (kubectl -n @namespace describe pvc @name-store) and its node, " +
				"with PostgreSQL at the database's health, connections and disk.",
		},
		{
			name:        "WhatsAppTokenExpiring",
			severity:    warning,
			pending:     "10m",
			expr:        `min(whatsapp_token_expires_timestamp_seconds{@self}) - time() < 7 * 24 * 3600`,
			summary:     "the access token expires within 7 days",
			description: "The access token expires in {{ $value | humanizeDuration }}. Without it nobody is answered.",
			runbook: "Make a System User token that does not expire, with whatsapp_business_messaging and whatsapp_business_management, in Business settings at Meta, " +
				"and put it into the Secret of spec.cloudAPI.accessTokenSecretRef. It is used within moments, without a restart.",
		},
		{
			name:        "WhatsAppSubscriptionNotActive",
			severity:    warning,
			pending:     "15m",
			expr:        `min(whatsapp_subscription_active{@self}) == 0`,
			summary:     "Meta's webhook subscription is not as declared",
			description: "The subscription declared in spec.cloudAPI.subscription could not be made so at Meta. Deliveries may not come, or go elsewhere.",
			runbook:     "kubectl -n @namespace describe whatsappwebhook @resource says in its Subscribed condition what a person has to mend.",
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
		description: "{{ $value | humanizePercentage }} of the volume is free. When it is full, no delivery is taken.",
		runbook:     "Raise spec.store.embedded.size, which grows the volume where its storage class allows that, or lower spec.store.retentionDays.",
	})
}
