// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// warnings returns the findings about settings that are allowed, and likely a mistake.
func warnings(r resource) []Finding {
	var findings []Finding

	warn := func(field, message, fix string) {
		finding := r.at(field, LevelWarning, message)
		finding.Fix = fix
		findings = append(findings, finding)
	}

	spec := r.webhook.Spec

	if resources.URL(r.webhook) == "" && spec.Service.Type != corev1.ServiceTypeLoadBalancer && spec.Service.Type != corev1.ServiceTypeNodePort {
		warn("spec", "nothing publishes the webhook, so Meta cannot call it",
			"set ingress.host or gateway.host, or publish the Service "+resources.Name(r.webhook.Name)+" yourself")
	}

	annotated := len(spec.Ingress.Annotations) > 0 // an annotation may name the certificate
	if spec.Ingress.Host != "" && spec.Ingress.TLSSecretName == "" && !annotated && spec.CloudAPI.MutualTLS.CertificateSecretName == "" {
		warn("spec.ingress.host", "the Ingress names no certificate, and Meta calls only an address with a valid one",
			"set ingress.tlsSecretName, unless the ingress controller has a certificate for "+spec.Ingress.Host)
	}

	for _, called := range []struct {
		field, url string
	}{
		{"bird.baseURL", spec.Bird.BaseURL},
		{"openAI.baseURL", spec.OpenAI.BaseURL},
		{"handoff.url", spec.Handoff.URL},
		{"notifications.sinkURL", spec.Notifications.SinkURL},
	} {
		if message, fix := unsafeAddress(called.url); message != "" {
			warn("spec."+called.field, message, fix)
		}
	}

	return findings
}

// unsafeAddress returns the fault of the address of a service that the receiver calls, or an empty text.
func unsafeAddress(address string) (message, fix string) {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return "", ""
	}

	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	isIP := err == nil

	switch {
	case host == "localhost" || isIP && ip.IsLoopback():
		return host + " is the receiver's own pod", "set the address of the service, such as http://bridge.sales.svc"
	case u.Scheme == "http" && strings.Contains(host, ".") && !inCluster(host) && (!isIP || !ip.IsPrivate()):
		return fmt.Sprintf("messages and the key are sent unencrypted to %s", host), "set an https address"
	}

	return "", ""
}

// inCluster reports whether a name may be that of a Service, such as bridge.sales, or of a host of a private network.
func inCluster(host string) bool {
	for _, suffix := range []string{".svc", ".cluster.local", ".local", ".internal"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}

	return strings.Count(host, ".") == 1
}
