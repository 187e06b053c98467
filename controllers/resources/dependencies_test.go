// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"slices"
	"testing"

	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// TestDependencies compares the dependencies with the names in the rendered objects.
func TestDependencies(t *testing.T) {
	t.Parallel()

	webhook := &v1alpha1.WhatsAppWebhook{}
	webhook.Name = "sales"
	webhook.Spec.Bird.BaseURL = "https://bridge.example.com"
	webhook.Spec.Ingress.Host = "hooks.example.com"
	webhook.Spec.MessagesAPI = v1alpha1.MessagesAPISpec{
		Exposure: v1alpha1.ExposurePublic,
		Keys:     []v1alpha1.MessagesAPIKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "whatsapp", Key: "key"}}},
	}

	params, err := NewParams(webhook, Environment{})
	if err != nil {
		t.Fatal(err)
	}

	dependencies := Dependencies(params)
	rendered := Render(params)

	var references []Reference
	for _, object := range rendered {
		references = append(references, ReferenceTo(object))
	}

	for _, object := range rendered {
		got := dependencies[ReferenceTo(object)]
		for _, reference := range got {
			if !slices.Contains(references, reference) {
				t.Errorf("%s depends on %s, which is not rendered", ReferenceTo(object), reference)
			}
		}

		var wanted []Reference
		switch object := object.(type) {
		case *appsv1ac.DeploymentApplyConfiguration:
			pod := object.Spec.Template.Spec
			wanted = append(wanted, Reference{"ServiceAccount", *pod.ServiceAccountName})

			for _, volume := range pod.Volumes {
				if volume.ConfigMap != nil {
					wanted = append(wanted, Reference{"ConfigMap", *volume.ConfigMap.Name})
				}

				if volume.PersistentVolumeClaim != nil {
					wanted = append(wanted, Reference{"PersistentVolumeClaim", *volume.PersistentVolumeClaim.ClaimName})
				}
			}
		case *networkingv1ac.IngressApplyConfiguration:
			for _, path := range object.Spec.Rules[0].HTTP.Paths {
				wanted = append(wanted, Reference{"Service", *path.Backend.Service.Name})
			}
		}

		for _, reference := range wanted {
			if !slices.Contains(got, reference) {
				t.Errorf("%s refers to %s, which is none of its dependencies %v", ReferenceTo(object), reference, got)
			}
		}
	}
}
