// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
)

// ingress publishes only the webhook's path: nothing else of the receiver is reachable from outside.
func ingress(p Params) Object {
	wanted := p.webhook.Spec.Ingress
	if wanted.Host == "" {
		return nil
	}

	path := networkingv1ac.HTTPIngressPath().
		WithPath(p.config.Webhook.Path).
		WithPathType(networkingv1.PathTypeExact).
		WithBackend(networkingv1ac.IngressBackend().
			WithService(networkingv1ac.IngressServiceBackend().
				WithName(p.name).
				WithPort(networkingv1ac.ServiceBackendPort().WithName(p.publicPort().name))))

	spec := networkingv1ac.IngressSpec().
		WithRules(networkingv1ac.IngressRule().
			WithHost(wanted.Host).
			WithHTTP(networkingv1ac.HTTPIngressRuleValue().WithPaths(path)))
	if wanted.ClassName != "" {
		spec.WithIngressClassName(wanted.ClassName)
	}

	if wanted.TLSSecretName != "" {
		spec.WithTLS(networkingv1ac.IngressTLS().WithHosts(wanted.Host).WithSecretName(wanted.TLSSecretName))
	}

	return networkingv1ac.Ingress(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(wanted.Annotations).
		WithSpec(spec)
}
