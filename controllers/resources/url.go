// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"net/url"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// URL is the callback URL to register with Meta, or "" where nothing in the resource says it. The one that is declared
// wins over that of the Ingress or the HTTPRoute: something may stand before those.
func URL(webhook *v1alpha1.WhatsAppWebhook) string {
	spec := webhook.Spec
	if declared := spec.CloudAPI.Subscription.CallbackURL; declared != "" {
		return declared
	}

	host := cmp.Or(spec.Ingress.Host, spec.Gateway.Host)
	if host == "" {
		return ""
	}

	return "https://" + host + cmp.Or(spec.Ingress.Path, spec.Gateway.Path, config.Config{}.WithDefaults().Webhook.Path)
}

// webhookPath is what is declared nearest to the receiver, or "" for its default. A callback URL alone says it too: who
// publishes the Service otherwise is taken to hand the path on as it is.
func webhookPath(spec v1alpha1.WhatsAppWebhookSpec) string {
	if spec.Ingress.Host != "" || spec.Gateway.Host != "" {
		return cmp.Or(spec.Ingress.Path, spec.Gateway.Path)
	}

	declared, err := url.Parse(spec.CloudAPI.Subscription.CallbackURL)
	if err != nil {
		return ""
	}

	return declared.Path
}
