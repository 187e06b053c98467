// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/poller"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// notReported is what is known of a receiver that nobody could ask.
var notReported = verdict{v1alpha1.ReasonNotReported, fmt.Sprintf(
	"no receiver pod answered the operator on port %d yet; when pods run, look for a NetworkPolicy in between", resources.PortAdmin)}

func availability(d *appsv1.Deployment, rollout verdict) (verdict, metav1.ConditionStatus) {
	if d != nil && d.Status.AvailableReplicas > 0 {
		return verdict{v1alpha1.ReasonMinimumReplicasAvailable, "a receiver takes deliveries"}, metav1.ConditionTrue
	}

	return rollout, metav1.ConditionFalse
}

// secretsAvailability names Secrets and keys as the resource refers to them. What is in them nobody here knows.
func secretsAvailability(webhook *v1alpha1.WhatsAppWebhook, reported poller.Summary) (verdict, metav1.ConditionStatus) {
	switch {
	case reported.Answered == 0:
		return notReported, metav1.ConditionUnknown
	case len(reported.MissingSecrets) > 0:
		var missing []string
		for _, role := range reported.MissingSecrets {
			missing = append(missing, describeSecret(webhook, role))
		}

		return verdict{v1alpha1.ReasonSecretMissing, "the receiver waits for " + strings.Join(missing, ", ") + "; create what is missing, and it is taken up within two minutes"}, metav1.ConditionFalse
	case reported.TokenRefused:
		return verdict{v1alpha1.ReasonTokenRefused, "Meta refuses the access token in " + describeSecret(webhook, config.RoleAccessToken) +
			"; put a valid one there, of a System User with whatsapp_business_messaging and whatsapp_business_management"}, metav1.ConditionFalse
	default:
		return verdict{v1alpha1.ReasonSecretsComplete, "the receiver has every value it needs"}, metav1.ConditionTrue
	}
}

func describeSecret(webhook *v1alpha1.WhatsAppWebhook, role string) string {
	var refs []string
	for _, ref := range resources.SecretRefs(webhook.Spec, role) {
		refs = append(refs, fmt.Sprintf("key %q of Secret %q", ref.Key, ref.Name))
	}

	if len(refs) == 0 {
		return "the secret of a role this operator does not know"
	}

	return strings.Join(refs, " or ")
}

func exposure(webhook *v1alpha1.WhatsAppWebhook, seen observation) (verdict, metav1.ConditionStatus) {
	switch {
	case webhook.Spec.Ingress.Host != "":
		if seen.ingress == nil || len(seen.ingress.Status.LoadBalancer.Ingress) == 0 {
			return verdict{v1alpha1.ReasonAddressPending, "the Ingress has no address yet; a controller for its class has to run and give it one"}, metav1.ConditionFalse
		}

		address := seen.ingress.Status.LoadBalancer.Ingress[0]

		return verdict{v1alpha1.ReasonAddressAssigned, "the Ingress has the address " + address.Hostname + address.IP}, metav1.ConditionTrue
	case webhook.Spec.Gateway.Host != "":
		if slices.Contains(seen.missing, resources.HTTPRouteKind) {
			return verdict{v1alpha1.ReasonExtensionMissing, "the cluster does not serve the Gateway API; install it, or use spec.ingress"}, metav1.ConditionFalse
		}

		return routeExposure(webhook.Spec.Gateway.ParentRefs, seen.route)
	default:
		return verdict{v1alpha1.ReasonNotRequested, "the resource has neither ingress nor gateway; the Service is yours to publish"}, metav1.ConditionFalse
	}
}

// routeExposure asks every Gateway for both conditions of the Gateway API: Accepted says that the route fits a listener,
// ResolvedRefs that its Service was found.
func routeExposure(wanted []v1alpha1.GatewayReference, route *gatewayv1.HTTPRoute) (verdict, metav1.ConditionStatus) {
	for _, ref := range wanted {
		accepted := false
		if route != nil {
			for _, parent := range route.Status.Parents {
				accepted = accepted || string(parent.ParentRef.Name) == ref.Name &&
					meta.IsStatusConditionTrue(parent.Conditions, string(gatewayv1.RouteConditionAccepted)) &&
					meta.IsStatusConditionTrue(parent.Conditions, string(gatewayv1.RouteConditionResolvedRefs))
			}
		}

		if !accepted {
			return verdict{v1alpha1.ReasonRoutePending, fmt.Sprintf(
				"Gateway %q has not taken the HTTPRoute yet; it needs a listener for the host that allows routes of this namespace", ref.Name)}, metav1.ConditionFalse
		}
	}

	return verdict{v1alpha1.ReasonRouteAccepted, "every Gateway has taken the HTTPRoute"}, metav1.ConditionTrue
}

func subscription(webhook *v1alpha1.WhatsAppWebhook, reported poller.Summary) (verdict, metav1.ConditionStatus) {
	switch {
	case webhook.Spec.CloudAPI.Subscription.AppID == "":
		return verdict{v1alpha1.ReasonNotRequested, "the resource has no cloudAPI.subscription; register status.url in the app's settings at Meta"}, metav1.ConditionFalse
	case reported.Answered == 0:
		return notReported, metav1.ConditionUnknown
	}

	switch reported.Subscription.State {
	case health.SubscriptionActive:
		return verdict{v1alpha1.ReasonSubscriptionActive, "Meta delivers as declared"}, metav1.ConditionTrue
	case health.SubscriptionFailed:
		return verdict{v1alpha1.ReasonSubscriptionFailed, reported.Subscription.Problem}, metav1.ConditionFalse
	default:
		return verdict{v1alpha1.ReasonSubscriptionPending, "the receiver has not settled the subscription with Meta yet"}, metav1.ConditionUnknown
	}
}

func extensionsAvailability(seen observation) (verdict, metav1.ConditionStatus) {
	switch {
	case len(seen.missing) > 0:
		var missing []string
		for _, gvk := range seen.missing {
			missing = append(missing, fmt.Sprintf("%s (%s)", gvk.Kind, gvk.GroupVersion()))
		}

		return verdict{v1alpha1.ReasonExtensionMissing, "the cluster does not serve " + strings.Join(missing, ", ") +
			"; install what does, or take it out of the spec: all else is in place"}, metav1.ConditionFalse
	case len(seen.wanted) == 0:
		return verdict{v1alpha1.ReasonNotRequested, "the resource asks for no optional API"}, metav1.ConditionTrue
	default:
		return verdict{v1alpha1.ReasonExtensionsServed, "the cluster serves every optional API that the resource asks for"}, metav1.ConditionTrue
	}
}
