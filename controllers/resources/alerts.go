// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// DefaultRunbookURL is the address of docs/alerts.md, which has a section for each alert.
const DefaultRunbookURL = "https://github.com/wawebhook/whatsapp-webhook-operator/blob/main/docs/alerts.md"

const (
	critical = "critical" // people get no answers, or deliveries are not accepted
	warning  = "warning"  // a person has to look during working hours
)

// alert is an alerting rule, with the placeholders of [Params.fill]. The summary and the description have to be true for
// every way in which the expression can hold.
type alert struct {
	name, severity, expr string
	pending              string // how long the expression must hold
	summary, description string
}

// alerts returns the alerting rules of a resource.
//
// Figures of the store are combined by max, since receivers that share one all report the same. Counters start at 0, so an
// increase includes the first event. A share of failures counts only above a floor: one of two says little. A symptom does
// not alert while an alert names its cause: [unless]. Times in seconds are products with 60, so that the test of the
// alerts can shorten them like all other durations.
func alerts(p Params) []alert {
	return slices.Concat(downAlert(p), deliveryAlerts(), callAlerts(p), messageAlerts(p), storeAlerts(p), configurationAlerts())
}

// runbookURL returns the address of an alert's section in docs/alerts.md.
func (p Params) runbookURL(name string) string {
	return cmp.Or(p.env.RunbookURL, DefaultRunbookURL) + "#" + strings.ToLower(name)
}

// unless returns an expression that holds only while none of the causes does. None of them has labels.
func unless(expr string, causes ...string) string {
	for _, cause := range causes {
		expr = fmt.Sprintf("%s unless on () (%s)", expr, cause)
	}

	return expr
}

// Causes, as expressions without labels.
const (
	tokenMissing = `max(whatsapp_secret_missing{@self,role="access-token"}) == 1`
	// secretMissing holds while any secret that the receiver requires is missing.
	secretMissing = `max(whatsapp_secret_missing{@self}) == 1`
	aiKeyMissing  = `max(whatsapp_secret_missing{@self,role=~"bird-access-key|flow-signing-key|openai-key"}) == 1`
	// storeSecretMissing holds while the store cannot be used for want of a secret.
	storeSecretMissing = `max(whatsapp_secret_missing{@self,role=~"database-url|store-key"}) == 1`
	// assistantKeyMissing holds while the messages API refuses the AI, and noticeKeyMissing while the sink or the desk is not called.
	assistantKeyMissing = `max(whatsapp_secret_missing{@self,role="messages-assistant-key"}) == 1`
	noticeKeyMissing    = `max(whatsapp_secret_missing{@self,role=~"handoff-key|sink-signing-key"}) == 1`
	tokenRefused        = `max(whatsapp_token_refused{@self}) == 1`
	// diskFull has no series with PostgreSQL, whose disk the receiver does not know.
	diskFull = `max(whatsapp_store_disk_reserved_bytes{@self}) - min(whatsapp_store_disk_free_bytes{@self}) > 0`
	// methodStopped holds while the AI does not take a method. WhatsAppAIMethodUnavailable says so; no alert says that it limits one.
	methodStopped = `max(whatsapp_scope_closed{@self,scope="bird_method",reason!="rate_limited"}) > 0`
	// answersStopped holds while a call that every answer needs may not be made, or has no secret, and while a method is stopped.
	answersStopped = `max(whatsapp_scope_closed{@self,scope!~"pair|recipient|files|bird_method"}) > 0 or ` + methodStopped +
		` or ` + tokenMissing + ` or ` + aiKeyMissing + ` or ` + storeSecretMissing
)
