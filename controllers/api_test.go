// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

func TestScaleSubresource(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	create(t, webhook)
	settle(t, webhook)
	// As kubectl scale does it, also while the field is absent.
	scale := func(replicas int32) error {
		patch := mergePatch(t, fmt.Sprintf(`{spec: {replicas: %d}}`, replicas))
		return testCluster.SubResource("scale").Patch(t.Context(), webhook.DeepCopy(), patch, client.WithSubResourceBody(&autoscalingv1.Scale{}))
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
	if diff := cmp.Diff(wanted, current.Status); diff != "" || current.Spec.Replicas != 0 {
		t.Errorf("replicas of the scale: %d; want 0. Its status (-want +got):\n%s", current.Spec.Replicas, diff)
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Store.PostgreSQL.URLSecretRef = v1alpha1.SecretKeyReference{Name: "database", Key: "url"}
	})

	current.Spec.Replicas = 3

	current.ResourceVersion = ""
	if err := testCluster.SubResource("scale").Update(t.Context(), webhook.DeepCopy(), client.WithSubResourceBody(current)); err != nil {
		t.Fatal(err)
	}

	if replicas := get(t, webhook).Spec.Receiver.Replicas; replicas == nil || *replicas != 3 {
		t.Errorf("replicas are %v; want the 3 of the scale", replicas)
	}

	eventually(t, func() error { return want(*get(t, deployment).Spec.Replicas, 3) })
}

func TestColumns(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	create(t, webhook)
	settle(t, webhook)
	newPod(t, webhook, health.Report{Backlog: &health.Backlog{Pending: 3, DeadLetters: 2}})

	clientset, err := kubernetes.NewForConfig(testCluster.admin)
	if err != nil {
		t.Fatal(err)
	}

	var table metav1.Table
	eventually(t, func() error {
		data, err := clientset.RESTClient().Get().
			AbsPath("/apis", v1alpha1.SchemeGroupVersion.String(), "namespaces", webhook.Namespace, "whatsappwebhooks").
			SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").
			DoRaw(t.Context())
		if err != nil {
			return err
		}

		table = metav1.Table{}
		if err := json.Unmarshal(data, &table); err != nil {
			return err
		}

		if len(table.Rows) != 1 || len(table.Rows[0].Cells) < 6 {
			return fmt.Errorf("the table has the rows %v", table.Rows)
		}

		return want(table.Rows[0].Cells[:6], []any{"sales", "https://hooks.example.com/webhooks/whatsapp", "False", 0.0, 3.0, 2.0})
	})

	var columns, wide []string
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			columns = append(columns, column.Name)
		} else {
			wide = append(wide, column.Name)
		}
	}

	if diff := cmp.Diff([]string{"Name", "URL", "Ready", "Replicas", "Pending", "Dead", "Age"}, columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]string{"Message"}, wide); diff != "" {
		t.Errorf("columns of -o wide (-want +got):\n%s", diff)
	}
}

// TestStoredAsSent proves that there are no defaults in the API: what is absent stays absent, and follows the defaults of
// the operator's release.
func TestStoredAsSent(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	crd, version := copyOfCRD(t, namespace)
	install(t, crd)

	for _, patch := range append([]string{"{}"}, fullSpecs()...) {
		sent := newObject(version, namespace, specOf(patch))
		if err := strict().Create(t.Context(), sent); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(specOf(patch), get(t, sent).Object["spec"]); diff != "" {
			t.Errorf("sent %s, stored another (-sent +stored):\n%s", patch, diff)
		}
	}

	walk("", *readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema, func(path string, schema schemaProps) {
		if schema.Default != nil {
			t.Errorf("%s has the default %s", path, schema.Default.Raw)
		}
	})
}

// TestFilesAreAccepted sends what the project ships, or renders in tests, to the API server as kubectl would.
func TestFilesAreAccepted(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	mistaken := newObject(v1alpha1.SchemeGroupVersion, namespace, specOf(`{receiver: {nodeSelektor: {}}}`))
	check(t, strict().Create(t.Context(), mistaken, client.DryRunAll), `unknown field "spec.receiver.nodeSelektor"`)

	accepted := map[string]bool{}
	for _, pattern := range []string{"../config/samples/*.yaml", "../config/samples/*/*.yaml", "resources/testdata/*/in.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}

		for _, file := range files {
			for _, object := range readObjects(t, file) {
				if object.GroupVersionKind().Group == "kustomize.config.k8s.io" {
					continue // read by kubectl and never sent
				}

				object.SetNamespace(namespace)

				if err := strict().Create(t.Context(), object, client.DryRunAll); err != nil {
					t.Errorf("%s: %v", file, err)
				}

				if object.GetKind() == v1alpha1.Kind {
					accepted[pattern] = true
				}
			}
		}

		if !accepted[pattern] {
			t.Errorf("no resource was found in %s", pattern)
		}
	}
}

// readObjects reads each document of a file in YAML and fails on keys that are there twice.
func readObjects(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	var objects []*unstructured.Unstructured

	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}

		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		data, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(data); err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		objects = append(objects, object)
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
