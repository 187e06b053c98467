// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// TestHostsInAnnotations checks each annotation in an Ingress, against a policy of hosts.
func TestHostsInAnnotations(t *testing.T) {
	for annotation, allowed := range map[string]bool{
		"nginx.ingress.kubernetes.io/server-alias=other.example.net":                           false,
		"nginx.ingress.kubernetes.io/server-alias=a.shop.example.com,other.example.net":        false,
		"nginx.ingress.kubernetes.io/server-alias=a.shop.example.com, *.b.shop.example.com":    true,
		"nginx.ingress.kubernetes.io/server-alias=~^other|.shop.example.com":                   false,
		"nginx.ingress.kubernetes.io/server-alias=*.example.com":                               false,
		"own.example.com/server-alias=other.example.net":                                       false,
		"nginx.ingress.kubernetes.io/server-snippet=server_name other.example.net;":            false,
		"nginx.ingress.kubernetes.io/configuration-snippet=return 204;":                        false,
		"nginx.org/server-snippets=return 204;":                                                false,
		"nginx.ingress.kubernetes.io/from-to-www-redirect=true":                                false,
		"haproxy-ingress.github.io/server-alias-regex=a.shop.example.com":                      false,
		"haproxy-ingress.github.io/redirect-from=other.example.net":                            false,
		"haproxy-ingress.github.io/config-backend=acl other hdr(host) other.example.net":       false,
		"konghq.com/host-aliases=other.example.net":                                            false,
		`alb.ingress.kubernetes.io/conditions.sales=[{"field":"host-header"}]`:                 false,
		"external-dns.alpha.kubernetes.io/hostname=other.example.net":                          false,
		"external-dns.alpha.kubernetes.io/internal-hostname=a.shop.example.com b.example.net":  false,
		"external-dns.alpha.kubernetes.io/hostname=a.shop.example.com":                         true,
		"appgw.ingress.kubernetes.io/hostname-extension=a.shop.example.com, other.example.net": false,
		"appgw.ingress.kubernetes.io/backend-hostname=backend.example.net":                     true,
		"zalando.org/skipper-routes=other: Host(/other/) -> <shunt>":                           false,
		"external-dns.alpha.kubernetes.io/ttl=60":                                              true,
		"cert-manager.io/cluster-issuer=letsencrypt":                                           true,
		"cert-manager.io/common-name=other.example.net":                                        false,
		"cert-manager.io/alt-names=a.shop.example.com,other.example.net":                       false,
		"cert-manager.io/alt-names=a.shop.example.com,b.shop.example.com":                      true,
		"dns.alpha.kubernetes.io/external=other.example.net":                                   false,
		"dns.alpha.kubernetes.io/internal=other.example.net":                                   false,
		"getambassador.io/config=kind: Mapping":                                                false,
		"nginx.ingress.kubernetes.io/proxy-body-size=8m":                                       true,
	} {
		key, value, _ := strings.Cut(annotation, "=")

		err := withHosts(t, v1alpha1.WhatsAppWebhookSpec{Ingress: v1alpha1.IngressSpec{
			Host:        "a.shop.example.com",
			Annotations: map[string]string{key: value},
		}})

		if want := "spec.ingress.annotations: the operator does not allow " + key + ", by which"; !allowed && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got the error %v; want %q", annotation, err, want)
		}

		if allowed && err != nil {
			t.Errorf("%s is refused: %v", annotation, err)
		}
	}
}

// TestFieldsOfAnnotations sets the same annotation by each field that has annotations.
func TestFieldsOfAnnotations(t *testing.T) {
	other := map[string]string{"nginx.ingress.kubernetes.io/server-alias": "other.example.net"}

	for field, spec := range map[string]v1alpha1.WhatsAppWebhookSpec{
		"spec.commonMetadata.annotations": {CommonMetadata: v1alpha1.Metadata{Annotations: other}},
		"spec.ingress.annotations":        {Ingress: v1alpha1.IngressSpec{Annotations: other}},
		"spec.gateway.annotations":        {Gateway: v1alpha1.GatewaySpec{Annotations: other}},
		"spec.service.annotations":        {Service: v1alpha1.ServiceSpec{Annotations: other}},
		"the annotations of pods":         {Receiver: v1alpha1.ReceiverSpec{PodMetadata: v1alpha1.Metadata{Annotations: other}}},
		"the annotations of pods: ": {Receiver: v1alpha1.ReceiverSpec{PodTemplatePatch: &runtime.RawExtension{
			Raw: []byte(`{"metadata":{"annotations":{"nginx.ingress.kubernetes.io/server-alias":"other.example.net"}}}`),
		}}},
	} {
		if err := withHosts(t, spec); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got the error %v", field, err)
		}
	}
}

// withHosts returns the error of a resource with the fields, in an operator that limits hosts.
func withHosts(t *testing.T, spec v1alpha1.WhatsAppWebhookSpec) error {
	t.Helper()

	webhook := read(t, filepath.Join("testdata", "minimal"))
	webhook.Spec.CommonMetadata = spec.CommonMetadata
	webhook.Spec.Ingress = spec.Ingress
	webhook.Spec.Gateway = spec.Gateway
	webhook.Spec.Service = spec.Service
	webhook.Spec.Receiver = spec.Receiver

	env := environment
	env.Policy = resources.Policy{Hosts: []string{"*.shop.example.com"}}

	_, err := resources.NewParams(webhook, env)

	return err
}
