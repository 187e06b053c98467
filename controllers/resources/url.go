// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"net/url"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// URL returns the callback URL to register with Meta, or "" if the resource does not name one. An explicit URL takes
// precedence over that of the Ingress or HTTPRoute, since there may be a proxy in front of them.
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

// mediaURL returns the public scheme and host of the webhook if something gets links to media: an AI that takes no bytes, or
// the desk. It returns "" if there is no public host.
func mediaURL(webhook *v1alpha1.WhatsAppWebhook) string {
	byLink := webhook.Spec.Bird.Media.Transport == v1alpha1.MediaTransportURL
	if !byLink && webhook.Spec.Handoff.URL == "" {
		return ""
	}

	callback, err := url.Parse(URL(webhook))
	if err != nil || callback.Host == "" {
		return ""
	}

	return callback.Scheme + "://" + callback.Host
}

// webhookPath returns the path of the Ingress or HTTPRoute, or else that of the callback URL, or "" for the receiver's
// default. A publisher outside the resource is assumed to forward the path unchanged.
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
