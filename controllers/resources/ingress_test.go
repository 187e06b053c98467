// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

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
