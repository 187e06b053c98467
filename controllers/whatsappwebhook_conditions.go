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

// notReported is the verdict if no receiver has answered the poller.
var notReported = verdict{v1alpha1.ReasonNotReported, fmt.Sprintf(
	"no receiver pod has answered the operator on port %d yet; if pods are running, check the NetworkPolicies between them and the operator", resources.PortAdmin)}

func availability(d *appsv1.Deployment, rollout verdict) (verdict, metav1.ConditionStatus) {
	if d != nil && d.Status.AvailableReplicas > 0 {
		return verdict{v1alpha1.ReasonMinimumReplicasAvailable, "at least one receiver accepts deliveries"}, metav1.ConditionTrue
	}

	return rollout, metav1.ConditionFalse
}

// secretsAvailability names Secrets and keys as the resource refers to them. The operator does not know their values.
func secretsAvailability(webhook *v1alpha1.WhatsAppWebhook, reported poller.Summary) (verdict, metav1.ConditionStatus) {
	switch {
	case reported.Answered == 0:
		return notReported, metav1.ConditionUnknown
	case len(reported.MissingSecrets) > 0:
		var missing []string
		for _, role := range reported.MissingSecrets {
			missing = append(missing, describeSecret(webhook, role))
		}

		return verdict{v1alpha1.ReasonSecretMissing, "the receiver is waiting for " + strings.Join(missing, ", ") +
			"; create the missing values: the receiver picks them up within two minutes"}, metav1.ConditionFalse
	case reported.TokenRefused:
		return verdict{v1alpha1.ReasonTokenRefused, "Meta rejects the access token in " + describeSecret(webhook, config.RoleAccessToken) +
			"; replace it by a valid token of a System User with whatsapp_business_messaging and whatsapp_business_management"}, metav1.ConditionFalse
	default:
		return verdict{v1alpha1.ReasonSecretsComplete, "the receiver has all required values"}, metav1.ConditionTrue
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

func exposure(webhook *v1alpha1.WhatsAppWebhook, seen observation) (verdict, metav1.ConditionStatus) {
	switch {
	case webhook.Spec.Ingress.Host != "":
		if seen.ingress == nil || len(seen.ingress.Status.LoadBalancer.Ingress) == 0 {
			return verdict{
				v1alpha1.ReasonAddressPending,
				"the Ingress has no address yet; a controller for its class must run and assign one",
			}, metav1.ConditionFalse
		}

		address := seen.ingress.Status.LoadBalancer.Ingress[0]

		return verdict{v1alpha1.ReasonAddressAssigned, "the Ingress has the address " + address.Hostname + address.IP}, metav1.ConditionTrue
	case webhook.Spec.Gateway.Host != "":
		if right, ok := seen.denied[resources.HTTPRouteKind]; ok {
			return verdict{v1alpha1.ReasonExtensionMissing, right.String() + "; grant it in a role, or use spec.ingress"}, metav1.ConditionFalse
		}

		if slices.Contains(seen.missing, resources.HTTPRouteKind) {
			return verdict{v1alpha1.ReasonExtensionMissing, "the cluster does not serve the Gateway API; install it, or use spec.ingress"}, metav1.ConditionFalse
		}

		return routeExposure(webhook.Spec.Gateway.ParentRefs, seen.route)
	default:
		return verdict{v1alpha1.ReasonNotRequested, "the spec has neither ingress nor gateway; publish the Service yourself"}, metav1.ConditionFalse
	}
}

// routeExposure requires two conditions of the Gateway API from every Gateway: Accepted, meaning that the route matches a
// listener, and ResolvedRefs, meaning that its Service was found.
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
				"Gateway %q has not accepted the HTTPRoute yet; it needs a listener for the host that allows routes of this namespace", ref.Name)}, metav1.ConditionFalse
		}
	}

	return verdict{v1alpha1.ReasonRouteAccepted, "every Gateway has accepted the HTTPRoute"}, metav1.ConditionTrue
}

func subscription(webhook *v1alpha1.WhatsAppWebhook, reported poller.Summary) (verdict, metav1.ConditionStatus) {
	switch {
	case webhook.Spec.CloudAPI.Subscription.AppID == "":
		return verdict{v1alpha1.ReasonNotRequested, "the spec has no cloudAPI.subscription; register status.url in the app's settings at Meta"}, metav1.ConditionFalse
	case reported.Answered == 0:
		return notReported, metav1.ConditionUnknown
	}

	switch reported.Subscription.State {
	case health.SubscriptionActive:
		return verdict{v1alpha1.ReasonSubscriptionActive, "the subscription at Meta matches the spec"}, metav1.ConditionTrue
	case health.SubscriptionFailed:
		return verdict{v1alpha1.ReasonSubscriptionFailed, reported.Subscription.Problem}, metav1.ConditionFalse
	default:
		return verdict{v1alpha1.ReasonSubscriptionPending, "the receiver has not reconciled the subscription with Meta yet"}, metav1.ConditionUnknown
	}
}

// responding reports whether messages go to another responder. Its message names phone numbers, not how many messages, so
// that it changes rarely.
func responding(reported poller.Summary) (verdict, metav1.ConditionStatus) {
	switch {
	case reported.Answered == 0:
		return notReported, metav1.ConditionUnknown
	case len(reported.Standby) > 0:
		return verdict{v1alpha1.ReasonOtherResponder, "messages go to another responder, of phone numbers " +
			strings.Join(reported.Standby, ", ") + "; the receiver stores them and does not answer. If it should, change the " +
			"conversation routing of the account in Meta Business Suite"}, metav1.ConditionFalse
	default:
		return verdict{v1alpha1.ReasonNoOtherResponder, "no messages go to another responder"}, metav1.ConditionTrue
	}
}

func extensionsAvailability(seen observation) (verdict, metav1.ConditionStatus) {
	switch {
	case len(seen.missing) > 0:
		var problems []string
		for _, gvk := range seen.missing {
			if right, ok := seen.denied[gvk]; ok {
				problems = append(problems, right.String()+"; grant it in a role")
			} else {
				problems = append(problems, fmt.Sprintf("the cluster does not serve %s (%s); install its API", gvk.Kind, gvk.GroupVersion()))
			}
		}

		return verdict{v1alpha1.ReasonExtensionMissing, strings.Join(problems, "; ") +
			"; or remove it from the spec: all other objects are applied"}, metav1.ConditionFalse
	case len(seen.wanted) == 0:
		return verdict{v1alpha1.ReasonNotRequested, "the spec uses no optional API"}, metav1.ConditionTrue
	default:
		return verdict{v1alpha1.ReasonExtensionsServed, "the cluster serves every optional API that the spec uses"}, metav1.ConditionTrue
	}
}
