// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"fmt"
	"maps"
	"strings"

	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// bodySizeAnnotations raise the limit of a body in the two ingress controllers that are built on nginx. It is 1 MB by
// default, and Meta's deliveries have up to 3 MB. Other controllers ignore the annotations.
//
// Sources: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#custom-max-body-size,
// https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/advanced-configuration-with-annotations/
var bodySizeAnnotations = []string{"nginx.ingress.kubernetes.io/proxy-body-size", "nginx.org/client-max-body-size"}

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
			WithPathType(public.pathType()).
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
		WithAnnotations(ingressAnnotations(wanted, p.config.Webhook.MaxBodyBytes)).
		WithSpec(spec)
}

// ingressAnnotations returns the annotations of the spec, and the limit of a body if the class may be one of nginx. An
// annotation of the spec stays as it is.
func ingressAnnotations(wanted v1alpha1.IngressSpec, maxBodyBytes int64) map[string]string {
	annotations := map[string]string{}

	if wanted.ClassName == "" || strings.Contains(wanted.ClassName, "nginx") {
		for _, name := range bodySizeAnnotations {
			annotations[name] = fmt.Sprintf("%dm", maxBodyBytes>>20)
		}
	}

	maps.Copy(annotations, wanted.Annotations)

	return annotations
}
