// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

func TestScaleSubresource(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	// As kubectl scale does, even while the field is absent.
	scale := func(replicas int32) error {
		patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec": {"replicas": %d}}`, replicas))
		return testCluster.SubResource("scale").Patch(t.Context(), webhook.DeepCopy(), patch, client.WithSubResourceBody(&autoscalingv1.Scale{}))
	}

	if err := scale(0); err != nil {
		t.Fatal(err)
	}

	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}}
	apiserver.Eventually(t, func() error { return want(*apiserver.MustGet(t, testCluster.Server, deployment).Spec.Replicas, 0) })

	if err := scale(2); err == nil || !strings.Contains(err.Error(), "must be 0 or 1 with the embedded store") {
		t.Errorf("scaling to 2: %v; want a rejection, because the embedded store has one writer", err)
	}

	deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: deployment.Generation}
	if err := testCluster.Status().Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
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

	if replicas := apiserver.MustGet(t, testCluster.Server, webhook).Spec.Receiver.Replicas; replicas == nil || *replicas != 3 {
		t.Errorf("replicas are %v; want the 3 of the scale", replicas)
	}

	apiserver.Eventually(t, func() error { return want(*apiserver.MustGet(t, testCluster.Server, deployment).Spec.Replicas, 3) })
}

func TestColumns(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	setDeployed(t, webhook, 1)
	newPod(t, webhook, health.Report{
		MissingSecrets: []string{"access-token"},
		Backlog:        &health.Backlog{Pending: 3, DeadLetters: 2},
	})

	clientset, err := kubernetes.NewForConfig(testCluster.Admin)
	if err != nil {
		t.Fatal(err)
	}

	var table metav1.Table
	apiserver.Eventually(t, func() error {
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

		if len(table.Rows) != 1 || len(table.Rows[0].Cells) < 7 {
			return fmt.Errorf("the table has rows %v", table.Rows)
		}

		return want(table.Rows[0].Cells[:7], []any{"sales", "https://hooks.example.com/webhooks/whatsapp", "False", "SecretMissing", "1/1", 3.0, 2.0})
	})

	var columns, wide []string
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			columns = append(columns, column.Name)
		} else {
			wide = append(wide, column.Name)
		}
	}

	if diff := cmp.Diff([]string{"Name", "URL", "Ready", "Reason", "Replicas", "Pending", "Dead", "Age"}, columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]string{"Operational", "Message"}, wide); diff != "" {
		t.Errorf("columns of -o wide (-want +got):\n%s", diff)
	}
}

func TestManagerCannotReadSecrets(t *testing.T) {
	t.Parallel()
	namespace := testCluster.NewNamespace(t)
	testCluster.MustCreate(t, &corev1.Secret{
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
