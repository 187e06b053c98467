// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/poller"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

const (
	// maxProblems is how many problems the message of Operational lists.
	maxProblems = 5
	// maxProblem bounds one of them, in bytes.
	maxProblem = 180
)

// notReported is the verdict if no receiver has answered the poller.
var notReported = unknown(v1alpha1.ReasonNotReported,
	"no receiver pod has answered the operator on port %[1]d yet; if pods are running, check the NetworkPolicies between them and the operator, "+
		"and with a service mesh that requires mutual TLS let port %[1]d of the receivers accept plain HTTP", resources.PortAdmin)

// secretsAvailability names Secrets and keys as the resource refers to them. The operator does not know their values.
func secretsAvailability(webhook *v1alpha1.WhatsAppWebhook, reported poller.Summary) verdict {
	switch {
	case !reported.Answered:
		return notReported
	case len(reported.MissingSecrets) > 0:
		var missing []string
		for _, role := range reported.MissingSecrets {
			missing = append(missing, describeSecret(webhook, role))
		}

		return no(v1alpha1.ReasonSecretMissing, "the receiver is waiting for %s; create the missing values: the receiver picks them up within two minutes",
			strings.Join(missing, ", "))
	case reported.TokenRefused:
		return no(v1alpha1.ReasonTokenRefused, "Meta refuses the access token in %s; replace it by a valid token of a System User with "+
			"whatsapp_business_messaging and whatsapp_business_management", describeSecret(webhook, config.RoleAccessToken))
	case !reported.TokenExpiresAt.IsZero():
		return yes(v1alpha1.ReasonTokenExpiring, "the receiver has all required values, but the access token in %s expires at %s; "+
			"replace it by a token of a System User that does not expire",
			describeSecret(webhook, config.RoleAccessToken), reported.TokenExpiresAt.Format(time.RFC3339))
	default:
		return yes(v1alpha1.ReasonSecretsComplete, "the receiver has all required values")
	}
}

func describeSecret(webhook *v1alpha1.WhatsAppWebhook, role string) string {
	var refs []string
	for _, ref := range resources.SecretRefs(webhook.Spec, role) {
		refs = append(refs, fmt.Sprintf("key %q of Secret %q", ref.Key, ref.Name))
	}

	if len(refs) == 0 {
		return "a secret whose role is unknown to this operator"
	}

	return strings.Join(refs, " or ")
}

// subscription returns the verdict on the subscription at Meta.
func subscription(webhook *v1alpha1.WhatsAppWebhook, reported poller.Summary) verdict {
	switch {
	case webhook.Spec.CloudAPI.Subscription.AppID == "":
		return no(v1alpha1.ReasonNotRequested, "the spec has no cloudAPI.subscription; register status.url in the app's settings at Meta")
	case !reported.Answered:
		return notReported
	}

	switch reported.Subscription.State {
	case health.SubscriptionActive:
		return yes(v1alpha1.ReasonSubscriptionActive, "the subscription at Meta matches the spec")
	case health.SubscriptionFailed:
		return no(v1alpha1.ReasonSubscriptionFailed, "%s", reported.Subscription.Problem)
	default:
		return unknown(v1alpha1.ReasonSubscriptionPending, "the receiver has not reconciled the subscription with Meta yet")
	}
}

// responding returns the verdict on messages that go to another responder. Such messages are expected if the receiver passes
// conversations to the responder; a receiver does not report which conversations it passed. The message names phone numbers,
// not how many messages, so that it changes rarely.
func responding(webhook *v1alpha1.WhatsAppWebhook, reported poller.Summary) verdict {
	switch {
	case !reported.Answered:
		return notReported
	case len(reported.Standby) > 0 && webhook.Spec.Processing.PassThreadControl == v1alpha1.Enabled:
		return yes(v1alpha1.ReasonConversationsPassed, "messages go to another responder, of phone numbers %s, which is expected with "+
			"processing.passThreadControl; the receiver stores them and does not answer", strings.Join(reported.Standby, ", "))
	case len(reported.Standby) > 0:
		return no(v1alpha1.ReasonOtherResponder, "messages go to another responder, of phone numbers %s; the receiver stores them and does not answer. "+
			"If it should, change the conversation routing of the account in Meta Business Suite", strings.Join(reported.Standby, ", "))
	default:
		return yes(v1alpha1.ReasonNoOtherResponder, "no messages go to another responder")
	}
}

// operation returns the problems in the words of the receivers, which never contain a secret, a phone number or a text.
func operation(reported poller.Summary) verdict {
	switch {
	case !reported.Answered:
		return notReported
	case len(reported.Problems) == 0:
		return yes(v1alpha1.ReasonOperational, "no receiver reports a problem")
	}

	shown := reported.Problems[:min(len(reported.Problems), maxProblems)]

	texts := make([]string, 0, len(shown)+1)
	for _, problem := range shown {
		texts = append(texts, excerpt(problem.Operation+": "+problem.Text, maxProblem))
	}

	if more := len(reported.Problems) - len(shown); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more in /status of the receivers", more))
	}

	return no(v1alpha1.ReasonProblemsReported, "%s", strings.Join(texts, "; "))
}
