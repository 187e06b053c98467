// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

func TestRouteExposure(t *testing.T) {
	t.Parallel()

	const generation = 4

	inA := v1alpha1.GatewayReference{Name: "public", Namespace: "edge-a"}
	inB := v1alpha1.GatewayReference{Name: "public", Namespace: "edge-b"}
	own := v1alpha1.GatewayReference{Name: "public"}
	listener := v1alpha1.GatewayReference{Name: "public", Namespace: "edge-a", SectionName: "https"}

	parent := func(ref v1alpha1.GatewayReference, conditions ...metav1.Condition) gatewayv1.RouteParentStatus {
		status := gatewayv1.RouteParentStatus{
			ParentRef:      gatewayv1.ParentReference{Name: gatewayv1.ObjectName(ref.Name)},
			ControllerName: "example.com/gateway",
			Conditions:     conditions,
		}
		if ref.Namespace != "" {
			status.ParentRef.Namespace = new(gatewayv1.Namespace(ref.Namespace))
		}

		if ref.SectionName != "" {
			status.ParentRef.SectionName = new(gatewayv1.SectionName(ref.SectionName))
		}

		return status
	}
	cond := func(kind, reason string, status metav1.ConditionStatus, observed int64) metav1.Condition {
		return metav1.Condition{
			Type:               kind,
			Status:             status,
			Reason:             reason,
			Message:            "words of the Gateway",
			ObservedGeneration: observed,
		}
	}
	resolved := cond("ResolvedRefs", "ResolvedRefs", metav1.ConditionTrue, generation)
	accepted := []metav1.Condition{cond("Accepted", "Accepted", metav1.ConditionTrue, generation), resolved}
	refused := []metav1.Condition{cond("Accepted", "NotAllowedByListeners", metav1.ConditionFalse, generation), resolved}
	noBackend := []metav1.Condition{accepted[0], cond("ResolvedRefs", "BackendNotFound", metav1.ConditionFalse, generation)}
	otherKind := parent(inA, accepted...)
	otherKind.ParentRef.Kind = new(gatewayv1.Kind("Service"))
	otherPort := parent(inA, accepted...)
	otherPort.ParentRef.Port = new(gatewayv1.PortNumber(8443))

	for name, test := range map[string]struct {
		refs    []v1alpha1.GatewayReference
		parents []gatewayv1.RouteParentStatus
		want    string // status, reason and a part of the message
	}{
		"no status":        {[]v1alpha1.GatewayReference{inA}, nil, `False RoutePending Gateway "edge-a/public" has not accepted`},
		"accepted":         {[]v1alpha1.GatewayReference{inA}, []gatewayv1.RouteParentStatus{parent(inA, accepted...)}, "True RouteAccepted"},
		"namesake refuses": {[]v1alpha1.GatewayReference{inA, inB}, []gatewayv1.RouteParentStatus{parent(inA, accepted...), parent(inB, refused...)}, `False RouteNotAccepted Gateway "edge-b/public" refuses the HTTPRoute: NotAllowedByListeners: words of the Gateway`},
		"namesake accepts": {[]v1alpha1.GatewayReference{inA}, []gatewayv1.RouteParentStatus{parent(inB, accepted...)}, "False RoutePending"},
		"own namespace":    {[]v1alpha1.GatewayReference{own}, []gatewayv1.RouteParentStatus{parent(v1alpha1.GatewayReference{Name: "public", Namespace: "messaging"}, accepted...)}, "True RouteAccepted"},
		"another listener": {[]v1alpha1.GatewayReference{listener}, []gatewayv1.RouteParentStatus{parent(inA, accepted...)}, `False RoutePending listener "https" of Gateway "edge-a/public" has not accepted`},
		"the listener":     {[]v1alpha1.GatewayReference{listener}, []gatewayv1.RouteParentStatus{parent(listener, accepted...)}, "True RouteAccepted"},
		"another kind":     {[]v1alpha1.GatewayReference{inA}, []gatewayv1.RouteParentStatus{otherKind}, "False RoutePending"},
		"a port":           {[]v1alpha1.GatewayReference{inA}, []gatewayv1.RouteParentStatus{otherPort}, "False RoutePending"},
		"older generation": {[]v1alpha1.GatewayReference{inA}, []gatewayv1.RouteParentStatus{parent(inA, cond("Accepted", "Accepted", metav1.ConditionTrue, generation-1), resolved)}, "False RoutePending"},
		"older refusal":    {[]v1alpha1.GatewayReference{inA}, []gatewayv1.RouteParentStatus{parent(inA, cond("Accepted", "NoMatchingParent", metav1.ConditionFalse, generation-1))}, "False RoutePending"},
		"undecided":        {[]v1alpha1.GatewayReference{inA}, []gatewayv1.RouteParentStatus{parent(inA, cond("Accepted", "Pending", metav1.ConditionUnknown, generation))}, "False RoutePending"},
		"no Service yet":   {[]v1alpha1.GatewayReference{inA}, []gatewayv1.RouteParentStatus{parent(inA, noBackend...)}, "False RoutePending Gateway \"edge-a/public\" has not accepted the HTTPRoute yet: BackendNotFound"},
		"one of two controllers accepts": {
			[]v1alpha1.GatewayReference{inA},
			[]gatewayv1.RouteParentStatus{parent(inA, refused...), parent(inA, accepted...)},
			"True RouteAccepted",
		},
		"a refusal comes before an undecided one": {[]v1alpha1.GatewayReference{inA, inB}, []gatewayv1.RouteParentStatus{parent(inB, refused...)}, "False RouteNotAccepted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "messaging", Name: "sales", Generation: generation}}
			route.Status.Parents = test.parents

			v := routeExposure(test.refs, route)
			if got := string(v.status) + " " + v.reason + " " + v.message; !strings.HasPrefix(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestServiceExposure checks that the address is that of the Service for deliveries.
func TestServiceExposure(t *testing.T) {
	t.Parallel()

	service := func(name string, addresses ...corev1.LoadBalancerIngress) *corev1.Service {
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}}
		s.Status.LoadBalancer.Ingress = addresses

		return s
	}
	address := corev1.LoadBalancerIngress{IP: "192.0.2.1"}

	for name, test := range map[string]struct {
		services []*corev1.Service
		want     string
	}{
		"no Service":      {nil, "False LoadBalancerPending the load balancer of Service sales has no address yet"},
		"no address":      {[]*corev1.Service{service("sales")}, "False LoadBalancerPending"},
		"another Service": {[]*corev1.Service{service("sales--messages", address), service("sales")}, "False LoadBalancerPending"},
		"address":         {[]*corev1.Service{service("sales--admin"), service("sales", address)}, "True AddressAssigned the load balancer of Service sales has the address 192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			webhook := newWebhook("messaging", "sales")
			webhook.Spec.Service.Type = corev1.ServiceTypeLoadBalancer

			v := exposure(webhook, observation{services: test.services})
			if got := string(v.status) + " " + v.reason + " " + v.message; !strings.HasPrefix(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// acceptedRoute returns an HTTPRoute that the Gateway "public" of its namespace has accepted.
func acceptedRoute() *gatewayv1.HTTPRoute {
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "messaging", Name: "sales", Generation: 1}}
	route.Status.Parents = []gatewayv1.RouteParentStatus{{
		ParentRef:  gatewayv1.ParentReference{Name: "public"},
		Conditions: routeConditions(1, metav1.ConditionTrue, "Accepted"),
	}}

	return route
}

// routeConditions returns the conditions of a Gateway that accepts or refuses a generation of a route.
func routeConditions(generation int64, accepted metav1.ConditionStatus, reason string) []metav1.Condition {
	return []metav1.Condition{
		{
			Type:               string(gatewayv1.RouteConditionAccepted),
			Status:             accepted,
			Reason:             reason,
			Message:            "words of the Gateway",
			ObservedGeneration: generation,
			LastTransitionTime: metav1.Now(),
		},
		{
			Type:               string(gatewayv1.RouteConditionResolvedRefs),
			Status:             metav1.ConditionTrue,
			Reason:             "ResolvedRefs",
			ObservedGeneration: generation,
			LastTransitionTime: metav1.Now(),
		},
	}
}
