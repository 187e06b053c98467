// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// callAlerts returns the alerts about calls to the AI and Meta that are not answered, or refused. Messages wait meanwhile. The
// scope bird is that of every AI.
func callAlerts(p Params) []alert {
	return []alert{
		{
			name:     "WhatsAppAIUnavailable",
			severity: critical,
			pending:  "1m",
			expr:     `max(whatsapp_scope_closed{@self,scope="bird",reason="unavailable"}) > 0`,
			summary:  "the AI is unavailable",
			description: "The AI, at the address in " + p.aiField() + ".baseURL, does not answer, or answers with errors. " +
				"Messages wait, and are answered when it is back.",
		},
		{
			name:     "WhatsAppAIFailing",
			severity: warning,
			pending:  "10m",
			expr: unless(
				`sum(increase(whatsapp_call_errors_total{@self,target="bird",class="transient"}[5m])) / `+
					`sum(increase(whatsapp_ai_response_seconds_count{@self}[5m])) > 0.1 `+
					`and sum(increase(whatsapp_call_errors_total{@self,target="bird",class="transient"}[5m])) >= 5`,
				`max(whatsapp_scope_closed{@self,scope="bird",reason="unavailable"}) > 0`,
			),
			summary: "some calls to the AI fail",
			description: "{{ $value | humanizePercentage }} of the calls to the AI were not answered, or were answered with an error. " +
				"They are repeated, and people wait longer.",
		},
		{
			name:     "WhatsAppAIRefused",
			severity: critical,
			pending:  "5m",
			expr: unless(
				`max(whatsapp_scope_closed{@self,scope="bird",reason="refused"}) > 0`,
				aiKeyMissing,
			),
			summary: "the AI refuses the receiver's calls",
			description: "The AI answers, but refuses " + p.aiCredentials() + "the account or the address that the receiver is configured with. " +
				"Messages wait until it accepts them.",
		},
		{
			name:     "WhatsAppAIMethodUnavailable",
			severity: warning,
			pending:  "2m",
			expr: unless(
				`sum(max by (reason) (whatsapp_scope_closed{@self,scope="bird_method",reason!="rate_limited"})) > 0`,
				`max(whatsapp_scope_closed{@self,scope="bird"}) > 0`,
				aiKeyMissing,
			),
			summary: "the AI does not take {{ $value }} of the methods",
			description: "The AI refuses {{ $value }} of the enabled methods, or does not answer them. " +
				"Messages of the other methods are answered.",
		},
		{
			name:        "WhatsAppMetaUnavailable",
			severity:    critical,
			pending:     "5m",
			expr:        `max(whatsapp_scope_closed{@self,scope="graph",reason="unavailable"}) > 0`,
			summary:     "Meta's Graph API is unavailable",
			description: "Meta's Graph API does not answer, or answers with errors. Answers wait, and are sent when it is back.",
		},
		{
			name:        "WhatsAppTokenRefused",
			severity:    critical,
			pending:     "2m",
			expr:        unless(tokenRefused, tokenMissing),
			summary:     "Meta refuses the access token",
			description: "Meta refuses the access token of spec.cloudAPI.accessTokenSecretRef: it has expired, was revoked, or is not a token of this app. Answers wait until Meta accepts it.",
		},
		{
			name:     "WhatsAppSendsRefused",
			severity: critical,
			pending:  "5m",
			expr: unless(
				`sum(whatsapp_scope_closed{@self,scope=~"app|business_account|number|graph",reason="refused"}) > 0`,
				tokenRefused,
				tokenMissing,
			),
			summary: "Meta refuses calls",
			description: "Meta refuses calls of the app, a business account or a phone number: a permission is missing, an account is blocked, or an id is wrong. " +
				"Answers from there wait until Meta accepts them.",
		},
		{
			name:     "WhatsAppRateLimited",
			severity: warning,
			pending:  "15m",
			expr:     `sum(whatsapp_scope_closed{@self,scope=~"app|business_account|number|bird",reason="rate_limited"}) > 0`,
			summary:  "a rate limit holds back messages",
			description: "For 15 minutes Meta or the AI has allowed no further calls of the app, a business account or a phone number, or to the AI. " +
				"Messages wait, and continue when the limit ends.",
		},
		{
			name:     "WhatsAppSubscriptionNotActive",
			severity: warning,
			pending:  "15m",
			// The receiver compares nothing while a secret of any role is missing.
			expr:    unless(`min(whatsapp_subscription_active{@self}) == 0`, tokenRefused, secretMissing),
			summary: "Meta's webhook subscription differs from the spec",
			description: "The subscription at Meta has not been as spec.cloudAPI.subscription declares it for 15 minutes. " +
				"Deliveries may be missing, or go to another address.",
		},
	}
}

// aiField returns the field of the resource that configures its AI.
func (p Params) aiField() string {
	if p.config.Protocol() == config.ProtocolOpenAI {
		return "spec.openAI"
	}

	return "spec.bird"
}

// aiCredentials returns the fields with the keys of the AI, as the first entries of a list in a sentence. It returns "" if the
// AI takes no key.
func (p Params) aiCredentials() string {
	spec := p.webhook.Spec

	var keys strings.Builder

	for _, key := range []struct {
		name, field string
		ref         v1alpha1.SecretKeyReference
	}{
		{"access key", "spec.bird.accessKeySecretRef", spec.Bird.AccessKeySecretRef},
		{"signature by the key", "spec.bird.flow.signingKeySecretRef", spec.Bird.Flow.SigningKeySecretRef},
		{"key", "spec.openAI.keySecretRef", spec.OpenAI.KeySecretRef},
	} {
		if key.ref.Name != "" {
			keys.WriteString("the " + key.name + " of " + key.field + ", ")
		}
	}

	return keys.String()
}
