// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// classAnnotation names the controller of an Ingress without a class.
const classAnnotation = "kubernetes.io/ingress.class"

// TestIngressClasses checks that no resource of the pages has both a class and the annotation of a class, which the API
// server refuses. A resource for GKE has the annotation, because GKE ignores an Ingress with a class.
//
// Sources: https://kubernetes.io/docs/concepts/services-networking/ingress/#deprecated-annotation,
// https://cloud.google.com/kubernetes-engine/docs/concepts/ingress#controller_summary
func TestIngressClasses(t *testing.T) {
	google := 0

	for _, page := range pages(t) {
		for _, block := range page.Blocks {
			if block.Language != "yaml" || block.Note != "" {
				continue
			}

			var webhook v1alpha1.WhatsAppWebhook
			if err := yaml.Unmarshal([]byte(block.Text), &webhook); err != nil {
				continue // TestYAML says so
			}

			ingress := webhook.Spec.Ingress
			annotated := ingress.Annotations[classAnnotation]

			if annotated != "" && ingress.ClassName != "" {
				t.Errorf("%s: the Ingress has a class and the annotation %s", block, classAnnotation)
			}

			if strings.HasPrefix(ingress.ClassName, "gce") {
				t.Errorf("%s: GKE ignores an Ingress of the class %s", block, ingress.ClassName)
			}

			if ingress.Host == "" || !strings.Contains(block.Text, "cloud.google.com/") {
				continue
			}

			google++

			if annotated != "gce" {
				t.Errorf("%s: %s is %q, want gce", block, classAnnotation, annotated)
			}
		}
	}

	if google == 0 {
		t.Error("found no Ingress for GKE")
	}
}

// TestLoadBalancersOfCloudsArePublic checks that the guide names the settings without which a load balancer is not created, or
// is private.
func TestLoadBalancersOfCloudsArePublic(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(Root(), "docs", "ingress.md"))
	if err != nil {
		t.Fatal(err)
	}

	for controller, setting := range map[string]string{
		"AWS Load Balancer Controller, ALB": "alb.ingress.kubernetes.io/scheme: internet-facing",
		"GKE Ingress":                       classAnnotation + ": gce",
	} {
		_, row, found := strings.Cut(string(guide), "\n| "+controller+" |")

		row, _, _ = strings.Cut(row, "\n")
		if !found || !strings.Contains(row, setting) {
			t.Errorf("the row of %s lacks %s", controller, setting)
		}
	}
}
