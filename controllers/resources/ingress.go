// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"fmt"

	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
)

// The annotations of ingress controllers that the operator knows. They are set whatever the class: the name of a class says
// nothing about its controller, and a controller ignores the annotations of others.
var (
	// bodySizeAnnotations raise the limit of a body in the two controllers that are built on nginx. It is 1 MB by default, and
	// Meta's deliveries have up to 3 MB.
	//
	// Sources: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#custom-max-body-size,
	// https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/advanced-configuration-with-annotations/
	bodySizeAnnotations = []string{"nginx.ingress.kubernetes.io/proxy-body-size", "nginx.org/client-max-body-size"}

	// healthCheckAnnotations set the path that the load balancers of AWS and Azure check. It is "/" by default.
	//
	// Sources: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#health-check,
	// https://learn.microsoft.com/azure/application-gateway/ingress-controller-annotations
	healthCheckAnnotations = []string{"alb.ingress.kubernetes.io/healthcheck-path", "appgw.ingress.kubernetes.io/health-probe-path"}
)

// ingress publishes only the paths of publicPaths: nothing else of the receiver is reachable from outside.
func ingress(p Params) Object {
	wanted := p.webhook.Spec.Ingress
	if wanted.Host == "" {
		return nil
	}

	rule := networkingv1ac.HTTPIngressRuleValue()
	for _, public := range p.publicPaths() {
		rule.WithPaths(networkingv1ac.HTTPIngressPath().
			WithPath(public.path).
			WithPathType(p.pathType(public)).
			WithBackend(networkingv1ac.IngressBackend().
				WithService(networkingv1ac.IngressServiceBackend().
					WithName(public.service).
					WithPort(networkingv1ac.ServiceBackendPort().WithName(public.port.name)))))
	}

	spec := networkingv1ac.IngressSpec().
		WithRules(networkingv1ac.IngressRule().WithHost(wanted.Host).WithHTTP(rule))
	if wanted.ClassName != "" {
		spec.WithIngressClassName(wanted.ClassName)
	}

	if wanted.TLSSecretName != "" {
		spec.WithTLS(networkingv1ac.IngressTLS().WithHosts(wanted.Host).WithSecretName(wanted.TLSSecretName))
	}

	return networkingv1ac.Ingress(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(ingressAnnotations(p)).
		WithSpec(spec)
}

// ingressAnnotations returns the annotations that the operator sets, and those of the spec, which win.
func ingressAnnotations(p Params) map[string]string {
	wanted := p.webhook.Spec.Ingress
	known := map[string]string{}

	size := p.config.Webhook.MaxBodyBytes
	if wanted.MaxBodySize != nil {
		size = wanted.MaxBodySize.Value()
	}

	for _, name := range bodySizeAnnotations {
		known[name] = nginxSize(size)
	}

	if wanted.HealthCheckPath != "" {
		for _, name := range healthCheckAnnotations {
			known[name] = wanted.HealthCheckPath
		}
	}

	return p.annotations(known, wanted.Annotations)
}

// nginxSize returns a number of bytes as nginx writes it, such as 4m.
func nginxSize(bytes int64) string {
	switch {
	case bytes%(1<<20) == 0:
		return fmt.Sprintf("%dm", bytes>>20)
	case bytes%(1<<10) == 0:
		return fmt.Sprintf("%dk", bytes>>10)
	}

	return fmt.Sprint(bytes)
}
