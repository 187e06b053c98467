// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// TestPathTypes checks that the path of the webhook is exact, since a prefix could take the deliveries of a webhook below it. On
// OpenShift, which makes no route of an exact path, it is a prefix unless it lies in the range of another path. It is always
// exact in an HTTPRoute.
func TestPathTypes(t *testing.T) {
	const (
		prefix = string(networkingv1.PathTypePrefix)
		exact  = string(networkingv1.PathTypeExact)
	)

	public := func(s *v1alpha1.WhatsAppWebhookSpec) {
		s.MessagesAPI = v1alpha1.MessagesAPISpec{
			Exposure: v1alpha1.ExposurePublic,
			Keys:     []v1alpha1.MessagesAPIKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "bird", Key: "messages"}}},
		}
	}
	links := func(s *v1alpha1.WhatsAppWebhookSpec) { s.Bird.Media.Transport = v1alpha1.MediaTransportURL }

	for _, test := range []struct {
		path      string
		openShift bool
		change    func(*v1alpha1.WhatsAppWebhookSpec)
		want      map[string]string
	}{
		{"", false, nil, map[string]string{"/webhooks/whatsapp": exact}},
		{"", false, public, map[string]string{"/webhooks/whatsapp": exact, "/v1/": prefix}},
		{"", false, links, map[string]string{"/webhooks/whatsapp": exact, "/media/": prefix}},
		{"/v1/hooks", false, public, map[string]string{"/v1/hooks": exact, "/v1/": prefix}},
		{"", true, nil, map[string]string{"/webhooks/whatsapp": prefix}},
		{"", true, public, map[string]string{"/webhooks/whatsapp": prefix, "/v1/": prefix}},
		{"", true, links, map[string]string{"/webhooks/whatsapp": prefix, "/media/": prefix}},
		{"/v1/hooks", true, nil, map[string]string{"/v1/hooks": prefix}},
		{"/v1/hooks", true, public, map[string]string{"/v1/hooks": exact, "/v1/": prefix}},
		{"/v1", true, public, map[string]string{"/v1": exact, "/v1/": prefix}},
		{"/v10", true, public, map[string]string{"/v10": prefix, "/v1/": prefix}},
		{"/media", true, links, map[string]string{"/media": exact, "/media/": prefix}},
	} {
		env := environment
		env.OpenShift = test.openShift

		webhook := read(t, filepath.Join("testdata", "minimal"))
		webhook.Spec.Ingress.Path = test.path

		if test.change != nil {
			test.change(&webhook.Spec)
		}

		got := map[string]string{}

		for _, object := range renderIn(t, webhook, env) {
			if ingress, ok := object.(*networkingv1ac.IngressApplyConfiguration); ok {
				for _, path := range ingress.Spec.Rules[0].HTTP.Paths {
					got[*path.Path] = string(*path.PathType)
				}
			}
		}

		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("path %q, OpenShift %v: types (-want +got):\n%s", test.path, test.openShift, diff)
		}

		webhook.Spec.Ingress = v1alpha1.IngressSpec{}
		webhook.Spec.Gateway = v1alpha1.GatewaySpec{
			Host:       "hooks.example.com",
			Path:       test.path,
			ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}},
		}

		if got := text(t, renderIn(t, webhook, env)); !strings.Contains(got, "type: Exact\n") {
			t.Errorf("path %q: the HTTPRoute has no exact path:\n%s", test.path, got)
		}
	}
}

func TestAnnotationsOfIngressControllers(t *testing.T) {
	const (
		community = "nginx.ingress.kubernetes.io/proxy-body-size"
		f5        = "nginx.org/client-max-body-size"
		alb       = "alb.ingress.kubernetes.io/healthcheck-path"
		azure     = "appgw.ingress.kubernetes.io/health-probe-path"
	)

	size := func(text string) *resource.Quantity { return new(resource.MustParse(text)) }

	for name, test := range map[string]struct {
		ingress v1alpha1.IngressSpec
		want    map[string]string
	}{
		"class nginx":             {v1alpha1.IngressSpec{ClassName: "nginx"}, map[string]string{community: "4m", f5: "4m"}},
		"the cluster's default":   {v1alpha1.IngressSpec{}, map[string]string{community: "4m", f5: "4m"}},
		"a class of any name":     {v1alpha1.IngressSpec{ClassName: "public"}, map[string]string{community: "4m", f5: "4m"}},
		"a size":                  {v1alpha1.IngressSpec{MaxBodySize: size("16Mi")}, map[string]string{community: "16m", f5: "16m"}},
		"a size in kibibytes":     {v1alpha1.IngressSpec{MaxBodySize: size("3500Ki")}, map[string]string{community: "3500k", f5: "3500k"}},
		"a size in bytes":         {v1alpha1.IngressSpec{MaxBodySize: size("5M")}, map[string]string{community: "5000000", f5: "5000000"}},
		"a size and a fraction":   {v1alpha1.IngressSpec{MaxBodySize: size("1.5Mi")}, map[string]string{community: "1536k", f5: "1536k"}},
		"a path of health checks": {v1alpha1.IngressSpec{HealthCheckPath: "/live"}, map[string]string{community: "4m", f5: "4m", alb: "/live", azure: "/live"}},
		"annotations of the resource": {
			v1alpha1.IngressSpec{Annotations: map[string]string{community: "8m", "a": "b"}},
			map[string]string{community: "8m", f5: "4m", "a": "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			webhook := read(t, filepath.Join("testdata", "subscription"))
			test.ingress.Host = webhook.Spec.Ingress.Host
			webhook.Spec.Ingress = test.ingress

			for _, object := range render(t, webhook) {
				ingress, ok := object.(*networkingv1ac.IngressApplyConfiguration)
				if !ok {
					continue
				}

				if diff := cmp.Diff(test.want, ingress.Annotations); diff != "" {
					t.Errorf("annotations (-want +got):\n%s", diff)
				}
			}
		})
	}
}
