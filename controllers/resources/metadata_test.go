// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// TestCommonMetadataIsOnEveryObject also checks that it changes no selector, since that of a Deployment is immutable, and no
// label by which the operator decides.
func TestCommonMetadataIsOnEveryObject(t *testing.T) {
	forEachCase(t, func(t *testing.T, _ string, webhook *v1alpha1.WhatsAppWebhook) {
		webhook.Spec.CommonMetadata = v1alpha1.Metadata{}
		plain := selectors(t, render(t, webhook))
		deciding := decidingLabels(t, render(t, webhook))

		webhook.Spec.CommonMetadata = v1alpha1.Metadata{
			Labels: map[string]string{
				"cost-centre":                         "7",
				"app.kubernetes.io/name":              "cannot-win",
				"app.kubernetes.io/instance":          "cannot-win",
				"app.kubernetes.io/managed-by":        "cannot-win",
				"whatsapp.wawebhook.dev/when-deleted": "Retain",
				"whatsapp.wawebhook.dev/rendering":    "generation-1.cannot-win",
			},
			Annotations: map[string]string{
				"example.com/owner":                          "sales",
				"whatsapp.wawebhook.dev/start-settings-hash": "cannot-win",
			},
		}

		objects := render(t, webhook)
		if diff := cmp.Diff(plain, selectors(t, objects)); diff != "" {
			t.Errorf("selectors (-without +with):\n%s", diff)
		}

		if diff := cmp.Diff(deciding, decidingLabels(t, objects)); diff != "" {
			t.Errorf("labels by which the operator decides (-without +with):\n%s", diff)
		}

		check := func(of string, meta metav1.ObjectMeta) {
			t.Helper()

			for key, want := range map[string]string{
				"cost-centre":                "7",
				"app.kubernetes.io/name":     "whatsapp-webhook-receiver",
				"app.kubernetes.io/instance": resources.Name(webhook.Name),
			} {
				if got := meta.Labels[key]; got != want {
					t.Errorf("%s: label %s is %q; want %q", of, key, got, want)
				}
			}

			if got := meta.Annotations["example.com/owner"]; got != "sales" {
				t.Errorf("%s: annotation %q; want sales", of, got)
			}
		}

		for _, object := range objects {
			meta := metadata(t, object)
			check(*object.GetKind(), meta)

			if !resources.Managed().Matches(labels.Set(meta.Labels)) {
				t.Errorf("%s is not selected by %s", *object.GetKind(), resources.Managed())
			}

			if deployment, ok := object.(*appsv1ac.DeploymentApplyConfiguration); ok {
				template := deployment.Spec.Template
				check("pod", metav1.ObjectMeta{Labels: template.Labels, Annotations: template.Annotations})

				if template.Annotations["whatsapp.wawebhook.dev/start-settings-hash"] == "cannot-win" {
					t.Error("commonMetadata hides changes of the settings")
				}
			}
		}
	})
}

// TestLabelsOfUsersDecideNothing sets a label by which the operator decides in each field with labels besides commonMetadata.
func TestLabelsOfUsersDecideNothing(t *testing.T) {
	forEachCase(t, func(t *testing.T, _ string, webhook *v1alpha1.WhatsAppWebhook) {
		deciding := decidingLabels(t, render(t, webhook))

		given := map[string]string{"whatsapp.wawebhook.dev/when-deleted": "Retain"}
		webhook.Spec.Service.Labels = given
		webhook.Spec.Receiver.PodMetadata.Labels = given
		webhook.Spec.Monitoring.ServiceMonitor.Labels = given
		webhook.Spec.Monitoring.PrometheusRule.Labels = given
		webhook.Spec.Monitoring.GrafanaDashboard.Labels = given
		webhook.Spec.Receiver.PodTemplatePatch = &runtime.RawExtension{
			Raw: []byte(`{"metadata":{"labels":{"whatsapp.wawebhook.dev/when-deleted":"Retain"}}}`),
		}

		if diff := cmp.Diff(deciding, decidingLabels(t, render(t, webhook))); diff != "" {
			t.Errorf("labels by which the operator decides (-without +with):\n%s", diff)
		}
	})
}

// decidingLabels returns the labels of the operator's domain, of objects and of the pods.
func decidingLabels(t *testing.T, objects []resources.Object) map[string]string {
	t.Helper()

	found := map[string]string{}
	add := func(id string, all map[string]string) {
		for key, value := range all {
			if strings.HasPrefix(key, "whatsapp.wawebhook.dev/") {
				found[id+" "+key] = value
			}
		}
	}

	for _, object := range objects {
		kind := *object.GetKind()
		meta := metadata(t, object)
		add(kind+" "+meta.Name, meta.Labels)

		if resources.IsRetained(kind, meta.Labels) && kind != "PersistentVolumeClaim" {
			t.Errorf("%s %s has no owner", kind, meta.Name)
		}

		if deployment, ok := object.(*appsv1ac.DeploymentApplyConfiguration); ok {
			add("pod", deployment.Spec.Template.Labels)
		}
	}

	return found
}

// selectors returns the selector of each object that has one, as JSON.
func selectors(t *testing.T, objects []resources.Object) map[string]string {
	t.Helper()

	found := map[string]string{}
	for _, object := range objects {
		data, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}

		var selecting struct {
			Spec struct {
				Selector    json.RawMessage `json:"selector"`
				PodSelector json.RawMessage `json:"podSelector"`
			} `json:"spec"`
		}
		if err := json.Unmarshal(data, &selecting); err != nil {
			continue // the spec of this kind has a selector of another type
		}

		found[*object.GetKind()+" "+*object.GetName()] = string(selecting.Spec.Selector) + string(selecting.Spec.PodSelector)
	}

	return found
}
