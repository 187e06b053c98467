// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// exposure returns the verdict on the Ingress, the HTTPRoute or the load balancer of the Service.
func exposure(webhook *v1alpha1.WhatsAppWebhook, seen observation) verdict {
	switch {
	case webhook.Spec.Ingress.Host != "":
		return ingressExposure(seen.ingress)
	case webhook.Spec.Gateway.Host == "" && webhook.Spec.Service.Type == corev1.ServiceTypeLoadBalancer:
		return serviceExposure(resources.Name(webhook.Name), seen.services)
	case webhook.Spec.Gateway.Host == "":
		return no(v1alpha1.ReasonNotRequested,
			"the spec has neither ingress nor gateway, and no Service of type LoadBalancer; publish the Service yourself")
	case slices.Contains(seen.missing, resources.HTTPRouteKind):
		if cause, ok := seen.denied[resources.HTTPRouteKind]; ok {
			return no(v1alpha1.ReasonExtensionMissing, "%s; or use spec.ingress", cause)
		}

		return no(v1alpha1.ReasonExtensionMissing, "the cluster does not serve the Gateway API; install it, or use spec.ingress")
	default:
		return routeExposure(webhook.Spec.Gateway.ParentRefs, seen.route)
	}
}

func ingressExposure(ingress *networkingv1.Ingress) verdict {
	if ingress == nil || len(ingress.Status.LoadBalancer.Ingress) == 0 {
		return no(v1alpha1.ReasonAddressPending, "the Ingress has no address yet; a controller for its class must run and assign one")
	}

	address := ingress.Status.LoadBalancer.Ingress[0]

	return yes(v1alpha1.ReasonAddressAssigned, "the Ingress has the address %s%s", address.Hostname, address.IP)
}

// serviceExposure returns the verdict on the load balancer of the Service with the name. Unlike ingress controllers, all that
// provide load balancers report an address: those of Kubernetes route nothing without one.
func serviceExposure(name string, services []*corev1.Service) verdict {
	i := slices.IndexFunc(services, func(service *corev1.Service) bool { return service.Name == name })
	if i < 0 || len(services[i].Status.LoadBalancer.Ingress) == 0 {
		return no(v1alpha1.ReasonLoadBalancerPending, "the load balancer of Service %[1]s has no address yet; a controller for its class must run "+
			"and assign one: kubectl describe service %[1]s says what it waits for", name)
	}

	address := services[i].Status.LoadBalancer.Ingress[0]

	return yes(v1alpha1.ReasonAddressAssigned, "the load balancer of Service %s has the address %s",
		name, cmp.Or(address.Hostname, address.IP))
}

// routeExposure requires that every Gateway has accepted the HTTPRoute. A refusal comes before a Gateway that is undecided.
func routeExposure(wanted []v1alpha1.GatewayReference, route *gatewayv1.HTTPRoute) verdict {
	all := yes(v1alpha1.ReasonRouteAccepted, "every Gateway has accepted the HTTPRoute")

	for _, ref := range wanted {
		one := gatewayVerdict(ref, route)

		refused := one.reason == v1alpha1.ReasonRouteNotAccepted
		if refused || one.reason == v1alpha1.ReasonRoutePending && all.reason == v1alpha1.ReasonRouteAccepted {
			all = one
		}

		if refused {
			break
		}
	}

	return all
}

// gatewayVerdict returns the verdict of one Gateway. Several controllers may report on the same Gateway, of which one has
// to accept the route.
func gatewayVerdict(ref v1alpha1.GatewayReference, route *gatewayv1.HTTPRoute) verdict {
	pending := no(v1alpha1.ReasonRoutePending, "%s has not accepted the HTTPRoute yet; it needs a controller, and a listener for the host "+
		"that allows routes of this namespace", describeGateway(ref))
	if route == nil {
		return pending
	}

	result := pending

	for _, parent := range route.Status.Parents {
		if !isParent(ref, parent.ParentRef, route.Namespace) {
			continue
		}

		refusal, decided := decision(parent.Conditions, route.Generation)
		switch {
		case decided && refusal == nil:
			return yes(v1alpha1.ReasonRouteAccepted, "%s has accepted the HTTPRoute", describeGateway(ref))
		case refusal != nil && result.reason != v1alpha1.ReasonRouteNotAccepted && !decided:
			result = no(v1alpha1.ReasonRoutePending, "%s has not accepted the HTTPRoute yet: %s: %s",
				describeGateway(ref), refusal.Reason, excerpt(refusal.Message, maxExcerpt))
		case decided:
			result = no(v1alpha1.ReasonRouteNotAccepted, "%s refuses the HTTPRoute: %s: %s",
				describeGateway(ref), refusal.Reason, excerpt(refusal.Message, maxExcerpt))
		}
	}

	return result
}

// decision returns the condition by which a Gateway refuses a route of the generation, or nil if it accepts it. There are
// two: Accepted, meaning that the route matches a listener, and ResolvedRefs, meaning that its Service was found. A Gateway
// that has not seen the Service yet is undecided.
func decision(conditions []metav1.Condition, generation int64) (refusal *metav1.Condition, decided bool) {
	for _, kind := range []gatewayv1.RouteConditionType{gatewayv1.RouteConditionAccepted, gatewayv1.RouteConditionResolvedRefs} {
		c := meta.FindStatusCondition(conditions, string(kind))

		undecided := c == nil || c.ObservedGeneration < generation || c.Status == metav1.ConditionUnknown
		if undecided {
			return nil, false
		}

		if c.Status == metav1.ConditionFalse {
			wait := c.Reason == string(gatewayv1.RouteReasonPending) || c.Reason == string(gatewayv1.RouteReasonBackendNotFound)

			return c, !wait
		}
	}

	return nil, true
}

// isParent reports whether a Gateway's status is about the reference. Absent fields have the defaults of the Gateway API.
func isParent(ref v1alpha1.GatewayReference, parent gatewayv1.ParentReference, namespace string) bool {
	return valueOr(parent.Group, gatewayv1.GroupName) == gatewayv1.GroupName &&
		valueOr(parent.Kind, "Gateway") == "Gateway" &&
		string(valueOr(parent.Namespace, gatewayv1.Namespace(namespace))) == cmp.Or(ref.Namespace, namespace) &&
		string(parent.Name) == ref.Name &&
		string(valueOr(parent.SectionName, "")) == ref.SectionName &&
		parent.Port == nil
}

func valueOr[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}

	return *value
}

func describeGateway(ref v1alpha1.GatewayReference) string {
	name := ref.Name
	if ref.Namespace != "" {
		name = ref.Namespace + "/" + name
	}

	if ref.SectionName != "" {
		return fmt.Sprintf("listener %q of Gateway %q", ref.SectionName, name)
	}

	return fmt.Sprintf("Gateway %q", name)
}
