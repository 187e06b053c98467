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

// TestPolicy checks each field against a policy: want is a part of the error, empty if the resource is allowed.
func TestPolicy(t *testing.T) {
	withHost := func(host string) v1alpha1.WhatsAppWebhookSpec {
		return v1alpha1.WhatsAppWebhookSpec{Ingress: v1alpha1.IngressSpec{Host: host}}
	}
	withGateway := func(namespace, name string) v1alpha1.WhatsAppWebhookSpec {
		return v1alpha1.WhatsAppWebhookSpec{Gateway: v1alpha1.GatewaySpec{
			Host:       "hooks.example.com",
			ParentRefs: []v1alpha1.GatewayReference{{Namespace: namespace, Name: name}},
		}}
	}
	withImage := func(image string) v1alpha1.WhatsAppWebhookSpec {
		return v1alpha1.WhatsAppWebhookSpec{Receiver: v1alpha1.ReceiverSpec{Image: image}}
	}
	withPatch := func(patch string) v1alpha1.WhatsAppWebhookSpec {
		return v1alpha1.WhatsAppWebhookSpec{Receiver: v1alpha1.ReceiverSpec{
			PodTemplatePatch: &runtime.RawExtension{Raw: []byte(patch)},
		}}
	}

	hosts := resources.Policy{Hosts: []string{"hooks.example.com", "*.shop.example.com"}}
	gateways := resources.Policy{Gateways: []string{"infra/*", "messaging/own"}}
	images := resources.Policy{Images: []string{"registry.example.com/team/*", "*/proxy:v1"}}

	for name, test := range map[string]struct {
		policy resources.Policy
		spec   v1alpha1.WhatsAppWebhookSpec
		want   string
	}{
		"no policy":                {resources.Policy{}, withImage("anything"), ""},
		"no host":                  {hosts, withHost(""), ""},
		"exact host":               {hosts, withHost("hooks.example.com"), ""},
		"pattern of hosts":         {hosts, withHost("a.b.shop.example.com"), ""},
		"the domain itself":        {hosts, withHost("shop.example.com"), `spec.ingress.host: the operator does not allow "shop.example.com", only hooks.example.com, *.shop.example.com`},
		"another domain":           {hosts, withHost("hooks.example.com.example.net"), "spec.ingress.host: "},
		"host of a route":          {resources.Policy{Hosts: []string{"*.example.net"}}, withGateway("infra", "public"), "spec.gateway.host: "},
		"Gateway":                  {gateways, withGateway("infra", "public"), ""},
		"Gateway of the namespace": {gateways, withGateway("", "own"), ""},
		"another Gateway":          {gateways, withGateway("", "public"), `spec.gateway.parentRefs[0]: the operator does not allow "messaging/public"`},
		"default image":            {images, withImage(""), ""},
		"default image by name":    {images, withImage(operatorImage), ""},
		"image":                    {images, withImage("registry.example.com/team/receiver:v1"), ""},
		"another image":            {images, withImage("registry.example.com/other/receiver:v1"), "spec.receiver: "},
		"container of a patch":     {images, withPatch(`{"spec":{"containers":[{"name":"sidecar","image":"other/sidecar"}]}}`), `"other/sidecar"`},
		"allowed container":        {images, withPatch(`{"spec":{"containers":[{"name":"sidecar","image":"a/b/proxy:v1"}]}}`), ""},
		"image of a patch":         {images, withPatch(`{"spec":{"containers":[{"name":"receiver","image":"other/receiver"}]}}`), `"other/receiver"`},
		"init container":           {images, withPatch(`{"spec":{"initContainers":[{"name":"init","image":"other/init"}]}}`), `"other/init"`},
		"image volume":             {images, withPatch(`{"spec":{"volumes":[{"name":"data","image":{"reference":"other/data"}}]}}`), `"other/data"`},
	} {
		t.Run(name, func(t *testing.T) {
			webhook := read(t, filepath.Join("testdata", "minimal"))
			webhook.Namespace = "messaging"
			webhook.Spec.Ingress = test.spec.Ingress
			webhook.Spec.Gateway = test.spec.Gateway
			webhook.Spec.Receiver = test.spec.Receiver

			env := environment
			env.Policy = test.policy

			_, err := resources.NewParams(webhook, env)

			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got the error %v; want %q", err, test.want)
			}
		})
	}
}
