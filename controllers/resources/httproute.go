// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1ac "sigs.k8s.io/gateway-api/applyconfiguration/apis/v1"
)

// httpRoute publishes only the paths of publicPaths: nothing else of the receiver is reachable from outside.
func httpRoute(p Params) Object {
	wanted := p.webhook.Spec.Gateway
	if wanted.Host == "" {
		return nil
	}

	spec := gatewayv1ac.HTTPRouteSpec().WithHostnames(gatewayv1.Hostname(wanted.Host))
	for _, public := range p.publicPaths() {
		spec.WithRules(gatewayv1ac.HTTPRouteRule().
			WithMatches(gatewayv1ac.HTTPRouteMatch().
				WithPath(gatewayv1ac.HTTPPathMatch().
					WithType(public.matchType()).
					WithValue(public.path))).
			WithBackendRefs(gatewayv1ac.HTTPBackendRef().
				WithName(gatewayv1.ObjectName(public.service)).
				WithPort(public.port.port)))
	}

	for _, gateway := range wanted.ParentRefs {
		parent := gatewayv1ac.ParentReference().WithName(gatewayv1.ObjectName(gateway.Name))
		if gateway.Namespace != "" {
			parent.WithNamespace(gatewayv1.Namespace(gateway.Namespace))
		}

		if gateway.SectionName != "" {
			parent.WithSectionName(gatewayv1.SectionName(gateway.SectionName))
		}

		spec.WithParentRefs(parent)
	}

	return gatewayv1ac.HTTPRoute(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations(wanted.Annotations)).
		WithSpec(spec)
}
