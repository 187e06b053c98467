// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

func TestScaleSubresource(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	create(t, webhook)
	settle(t, webhook)
	scale := func(replicas int32) error {
		return testCluster.SubResource("scale").Update(t.Context(), webhook.DeepCopy(),
			client.WithSubResourceBody(&autoscalingv1.Scale{
				ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: webhook.Name},
				Spec:       autoscalingv1.ScaleSpec{Replicas: replicas},
			}))
	}

	if err := scale(0); err != nil {
		t.Fatal(err)
	}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}}
	eventually(t, func() error { return want(*get(t, deployment).Spec.Replicas, 0) })
	check(t, scale(2), "must be 0 or 1 with the embedded store")

	deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: deployment.Generation}
	if err := testCluster.Status().Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":     "False ScaledToZero",
		"Available": "False ScaledToZero",
		"Exposed":   "False NotRequested",
	}))
	current := &autoscalingv1.Scale{}
	if err := testCluster.SubResource("scale").Get(t.Context(), webhook, current); err != nil {
		t.Fatal(err)
	}
	wanted := autoscalingv1.ScaleStatus{Selector: "app.kubernetes.io/instance=sales,app.kubernetes.io/name=whatsapp-webhook-receiver"}
	if diff := cmp.Diff(wanted, current.Status); diff != "" {
		t.Errorf("status of the scale (-want +got):\n%s", diff)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	create(t, webhook)
	settle(t, webhook)

	clientset, err := kubernetes.NewForConfig(testCluster.admin)
	if err != nil {
		t.Fatal(err)
	}
	data, err := clientset.RESTClient().Get().
		AbsPath("/apis", v1alpha1.SchemeGroupVersion.String(), "namespaces", webhook.Namespace, "whatsappwebhooks").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").
		DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			columns = append(columns, column.Name)
		}
	}
	if diff := cmp.Diff([]string{"Name", "URL", "Ready", "Replicas", "Age"}, columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"sales", "https://hooks.example.com/webhooks/whatsapp", "False", 0.0}, table.Rows[0].Cells[:4]); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

// TestEveryFieldIsExplained walks what kubectl explain shows.
func TestEveryFieldIsExplained(t *testing.T) {
	t.Parallel()
	crds, err := dynamic.NewForConfig(testCluster.admin)
	if err != nil {
		t.Fatal(err)
	}
	object, err := crds.Resource(apiextensionsv1.SchemeGroupVersion.WithResource("customresourcedefinitions")).
		Get(t.Context(), "whatsappwebhooks.whatsapp.wawebhook.dev", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := json.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"waw"}, crd.Spec.Names.ShortNames); diff != "" {
		t.Errorf("short names (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"all"}, crd.Spec.Names.Categories); diff != "" {
		t.Errorf("categories (-want +got):\n%s", diff)
	}
	var walk func(path string, schema apiextensionsv1.JSONSchemaProps)
	walk = func(path string, schema apiextensionsv1.JSONSchemaProps) {
		for name, property := range schema.Properties {
			if property.Description == "" && path+"."+name != ".metadata" {
				t.Errorf("%s.%s has no description", path, name)
			}
			walk(path+"."+name, property)
		}
		if schema.Items != nil && schema.Items.Schema != nil {
			walk(path, *schema.Items.Schema)
		}
	}
	walk("", *crd.Spec.Versions[0].Schema.OpenAPIV3Schema)
}

func TestSamplesAreAccepted(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	files, err := filepath.Glob("../config/samples/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Glob("../config/samples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for _, file := range append(top, files...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		webhook := &v1alpha1.WhatsAppWebhook{}
		if yaml.Unmarshal(data, webhook) != nil || webhook.Kind != v1alpha1.Kind {
			continue
		}
		if err := yaml.UnmarshalStrict(data, webhook); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		webhook.Namespace = namespace
		if err := testCluster.Create(t.Context(), webhook, client.DryRunAll); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		accepted++
	}
	if accepted < 3 {
		t.Errorf("%d samples were found; want the smallest, the full and the demo's", accepted)
	}
}

func TestManagerCannotReadSecrets(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "whatsapp"},
		StringData: map[string]string{"access-token": "not for the operator"},
	})
	manager, err := client.New(testCluster.manager, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "whatsapp"}, &corev1.Secret{}); !apierrors.IsForbidden(err) {
		t.Errorf("reading a Secret: %v; want it forbidden", err)
	}
	if err := manager.List(t.Context(), &corev1.SecretList{}, client.InNamespace(namespace)); !apierrors.IsForbidden(err) {
		t.Errorf("listing Secrets: %v; want it forbidden", err)
	}
}
