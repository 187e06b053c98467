// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// Parts of the keys of annotations by which controllers serve, publish or certify hosts that are not in an Ingress or HTTPRoute. The
// prefixes of keys can be configured in some controllers, so most parts have none.
var (
	// hostParts are of annotations with a list of hosts: of the Ingress NGINX controller, HAProxy Ingress, Kong, the Application
	// Gateway of Azure, ExternalDNS, the dns-controller of kOps, and cert-manager. A certificate for the host of another tenant,
	// with its key in a Secret of this one, lets this one pose as the other.
	//
	// Sources: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#server-alias,
	// https://haproxy-ingress.github.io/docs/configuration/keys/,
	// https://developer.konghq.com/kubernetes-ingress-controller/reference/annotations/,
	// https://learn.microsoft.com/azure/application-gateway/ingress-controller-annotations,
	// https://kubernetes-sigs.github.io/external-dns/latest/docs/annotations/annotations/,
	// https://kubernetes-sigs.github.io/external-dns/latest/docs/advanced/kops-dns-controller/,
	// https://cert-manager.io/docs/reference/annotations/
	hostParts = []string{
		"server-alias",
		"host-aliases",
		"redirect-from",
		"/hostname",
		"/internal-hostname",
		"dns.alpha.kubernetes.io/external",
		"dns.alpha.kubernetes.io/internal",
		"cert-manager.io/common-name",
		"cert-manager.io/alt-names",
	}

	// otherParts are of annotations whose hosts cannot be read: parts of the controller's configuration, patterns, conditions
	// of the load balancer of AWS, routes of Skipper and Emissary, and a redirect from a host that is derived from the own one.
	//
	// Sources: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#conditions,
	// https://opensource.zalando.com/skipper/kubernetes/ingress-usage/,
	// https://kubernetes.io/blog/2018/06/07/dynamic-ingress-in-kubernetes/
	otherParts = []string{
		"snippet",
		"server-alias-regex",
		"redirect-from-regex",
		"haproxy-ingress.github.io/config-",
		"alb.ingress.kubernetes.io/conditions.",
		"zalando.org/skipper-routes",
		"getambassador.io/config",
		"from-to-www-redirect",
	}
)

// hostName matches a host, or a domain with a * in front. An alias of nginx can also be a regular expression.
var hostName = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$`)

// checkAnnotations returns an error for each annotation by which a host may be served that the policy does not allow.
func (p Policy) checkAnnotations(webhook *v1alpha1.WhatsAppWebhook, template *corev1ac.PodTemplateSpecApplyConfiguration) error {
	if len(p.Hosts) == 0 {
		return nil
	}

	spec := webhook.Spec
	pods := maps.Clone(template.Annotations)
	maps.DeleteFunc(pods, func(key, value string) bool { return spec.CommonMetadata.Annotations[key] == value })

	var errs []error

	for _, annotated := range []struct {
		field       string
		annotations map[string]string
	}{
		{"spec.commonMetadata.annotations", spec.CommonMetadata.Annotations},
		{"spec.ingress.annotations", spec.Ingress.Annotations},
		{"spec.gateway.annotations", spec.Gateway.Annotations},
		{"spec.service.annotations", spec.Service.Annotations},
		{"the annotations of pods", pods},
	} {
		for _, key := range slices.Sorted(maps.Keys(annotated.annotations)) {
			if !p.allowsAnnotation(key, annotated.annotations[key]) {
				errs = append(errs, fmt.Errorf("%s: the operator does not allow %s, by which other hosts than %s may be served",
					annotated.field, key, strings.Join(p.Hosts, ", ")))
			}
		}
	}

	return errors.Join(errs...)
}

// allowsAnnotation reports whether only hosts that the policy allows are served by an annotation.
func (p Policy) allowsAnnotation(key, value string) bool {
	has := func(part string) bool { return strings.Contains(key, part) }

	if slices.ContainsFunc(otherParts, has) {
		return false
	}

	if !slices.ContainsFunc(hostParts, has) {
		return true
	}

	hosts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \t\n", r) })

	return !slices.ContainsFunc(hosts, func(host string) bool {
		return !hostName.MatchString(host) || allowed(p.Hosts, "", host) != nil
	})
}
