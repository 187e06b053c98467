// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import "fmt"

// messageAlerts returns the alerts about messages, statuses and notices that fail or wait.
func messageAlerts(p Params) []alert {
	all := []alert{
		{
			name:     "WhatsAppMessagesFailing",
			severity: critical,
			pending:  "1m",
			expr: `sum(increase(whatsapp_messages_failed_total{@self}[10m])) / ` +
				`(sum(increase(whatsapp_messages_failed_total{@self}[10m])) + sum(increase(whatsapp_message_processing_seconds_count{@self}[10m]))) > 0.05 ` +
				`and sum(increase(whatsapp_messages_failed_total{@self}[10m])) >= 3`,
			summary:     "messages fail",
			description: "{{ $value | humanizePercentage }} of the messages that ended in the last 10 minutes became dead letters. Their senders got no answer of the AI.",
		},
		{
			name:        "WhatsAppDeadLetters",
			severity:    warning,
			pending:     "1m",
			expr:        `max(whatsapp_dead_letters{@self}) > 0`,
			summary:     "dead letters wait for a decision",
			description: "{{ $value }} messages failed permanently, and have to be replayed or discarded.",
		},
		{
			name:        "WhatsAppDeadLettersExpire",
			severity:    warning,
			pending:     "1m",
			expr:        fmt.Sprintf(`max(whatsapp_oldest_dead_letter_seconds{@self}) > %d * 60`, p.deadLetterNoticeAge()),
			summary:     "dead letters are about to be purged",
			description: "The oldest dead letter or quarantined event is {{ $value | humanizeDuration }} old, and is about to be purged: dead_letters_expire_at in /status says when.",
		},
		{
			name:        "WhatsAppMessagesWaiting",
			severity:    warning,
			pending:     "5m", // a backlog that a cause has left is worked off meanwhile
			expr:        unless(fmt.Sprintf(`max(whatsapp_oldest_pending_seconds{@self}) > %d`, p.oldestPendingSeconds()), answersStopped),
			summary:     "a message has waited {{ $value | humanizeDuration }}",
			description: fmt.Sprintf("The oldest unfinished message has waited {{ $value | humanizeDuration }}; the limit is %d s. No refused or failing call that every answer needs explains it.", p.oldestPendingSeconds()),
		},
		{
			name:        "WhatsAppAnswersMissing",
			severity:    critical,
			pending:     "1m",
			expr:        unless(`sum(increase(whatsapp_unanswered_messages_total{@self}[10m])) >= 3`, assistantKeyMissing),
			summary:     "later answers do not arrive",
			description: "About {{ $value | humanize }} messages got no later answer in time in the last 10 minutes.",
		},
		statusAlert(p),
		{
			name:        "WhatsAppNoticesWaiting",
			severity:    warning,
			pending:     "5m",
			expr:        unless(`min_over_time(max(whatsapp_notice_queue_size{@self})[30m:1m]) > 10`, noticeKeyMissing, storeSecretMissing),
			summary:     "notices are not sent to the sink, or messages to the desk",
			description: "At least {{ $value }} notices for the sink, or messages for the desk at spec.handoff.url, have waited at any time in the last 30 minutes. The AI answers all the same. A notice that is a day old expires.",
		},
		{
			name:        "WhatsAppQuarantineGrows",
			severity:    warning,
			pending:     "1m",
			expr:        `sum(increase(whatsapp_events_stored_total{@self,state="quarantined"}[15m])) > 0`,
			summary:     "deliveries of a phone number that is not configured arrive",
			description: "About {{ $value | humanize }} events of a phone number that is not in spec.cloudAPI.phoneNumberIDs were stored in the last 15 minutes. They are quarantined, not answered.",
		},
		{
			name:        "WhatsAppPersonWaitsForColleague",
			severity:    warning,
			pending:     "1m",
			expr:        `max(whatsapp_oldest_human_wait_seconds{@self}) > 30 * 60`,
			summary:     "a person has waited {{ $value | humanizeDuration }} for a colleague",
			description: "People have this conversation, not the AI, and the person who waits longest for them has waited {{ $value | humanizeDuration }}.",
		},
	}

	minutes := p.webhook.Spec.Monitoring.PrometheusRule.SilenceAfterMinutes
	if minutes == 0 {
		return all
	}

	return append(all, alert{
		name:     "WhatsAppSilent",
		severity: warning,
		pending:  "1m",
		// Before the first message there is no time of the newest one. While the store is unavailable there is none either, nor a queue.
		expr: fmt.Sprintf(
			`time() - (max(whatsapp_last_message_timestamp_seconds{@self}) or `+
				`min(process_start_time_seconds{@self}) and max(whatsapp_message_queue_size{@self}) >= 0) > %d * 60`, minutes),
		summary: "no message for {{ $value | humanizeDuration }}",
		description: fmt.Sprintf("No message has arrived for {{ $value | humanizeDuration }}; spec.monitoring.prometheusRule.silenceAfterMinutes is %d. "+
			"Either no one wrote, or Meta's deliveries do not arrive.", minutes),
	})
}

// statusAlert returns the alert about statuses that wait. Without reports to the AI only calls to Meta delay them. Passes of
// conversations wait in the same queue.
func statusAlert(p Params) alert {
	a := alert{
		name:     "WhatsAppStatusesWaiting",
		severity: warning,
		pending:  "5m",
		expr:     unless(`min_over_time((max(whatsapp_status_queue_size{@self}) - sum(whatsapp_answers_awaited{@self}))[30m:1m]) > 10`, answersStopped),
		summary:  "statuses are not sent to the AI",
		description: "At least {{ $value }} statuses of sent messages have waited for the AI at any time in the last 30 minutes. " +
			"Messages are still answered. A status expires after a day.",
	}

	switch {
	case !p.config.ReportsStatuses():
		a.summary = "statuses are not processed"
		a.description = "At least {{ $value }} statuses of sent messages, or passes of conversations to Meta's other responder, have waited " +
			"at any time in the last 30 minutes. None is sent to the AI. Messages are answered all the same. A status that is a day old expires."
	case p.config.Processing.PassThreadControl:
		a.summary = "statuses are not sent to the AI, or conversations are not passed"
		a.description = "At least {{ $value }} statuses of sent messages for the AI, or passes of conversations to Meta's other responder, " +
			"have waited at any time in the last 30 minutes. Messages are still answered. What is a day old expires."
	}

	return a
}
