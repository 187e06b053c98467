// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

func TestObjectsAreCreated(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	testCluster.MustCreate(t, webhook)

	want := []string{
		"ConfigMap sales-config", "Deployment sales", "Ingress sales", "PersistentVolumeClaim sales-store",
		"Service sales", "Service sales-admin", "ServiceAccount sales",
	}
	apiserver.Eventually(t, func() error {
		got := slices.Sorted(maps.Keys(children(t, webhook)))
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("objects (-want +got):\n%s", diff)
		}

		return nil
	})

	for name, child := range children(t, webhook) {
		if reference := metav1.GetControllerOf(child); reference.BlockOwnerDeletion == nil || !*reference.BlockOwnerDeletion {
			t.Errorf("%s does not block the deletion of its owner", name)
		}

		if len(child.GetFinalizers()) > 0 && !strings.HasPrefix(name, "PersistentVolumeClaim") {
			t.Errorf("%s has finalizers %v", name, child.GetFinalizers())
		}
	}

	deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}})
	if got := deployment.Spec.Template.Spec.Containers[0].Image; got != testImage {
		t.Errorf("image %q; want %q", got, testImage)
	}

	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":       "False Progressing",
		"Reconciling": "True Progressing",
		"Available":   "False Progressing",
		"Exposed":     "False AddressPending",
	}))

	if got, want := webhook.Status.URL, "https://hooks.example.com/webhooks/whatsapp"; got != want {
		t.Errorf("status.url %q; want %q", got, want)
	}

	if len(webhook.Finalizers) > 0 {
		t.Errorf("the resource has finalizers %v", webhook.Finalizers)
	}
}

func TestRejectedObjectIsReported(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		edit func(*v1alpha1.WhatsAppWebhookSpec)
		want string
	}{
		"pod label": {
			func(s *v1alpha1.WhatsAppWebhookSpec) {
				s.Receiver.PodMetadata.Labels = map[string]string{"team": "sales & marketing"}
			},
			"Deployment sales was rejected by the API server: spec.template.labels",
		},
		"toleration": {
			func(s *v1alpha1.WhatsAppWebhookSpec) {
				s.Receiver.Scheduling.Tolerations = []corev1.Toleration{{Operator: "Sometimes"}}
			},
			"spec.template.spec.tolerations[0].operator",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(testCluster.NewNamespace(t), "sales")
			test.edit(&webhook.Spec)
			testCluster.MustCreate(t, webhook)
			apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
				"Ready":     "False ObjectRejected",
				"Stalled":   "True ObjectRejected",
				"Available": "False Progressing",
			}))

			if message := readyMessage(webhook); !strings.Contains(message, test.want) {
				t.Errorf("the message lacks %q: %s", test.want, message)
			}

			apiserver.Eventually(t, func() error { return want(len(children(t, webhook)), 5) }) // all but the Deployment
			apiserver.Eventually(t, wantEvents(t, webhook, "Warning ObjectRejected"))

			change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver = v1alpha1.ReceiverSpec{} })
			apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
				"Ready":       "False Progressing",
				"Reconciling": "True Progressing",
				"Available":   "False Progressing",
			}))
		})
	}
}

func TestReadyFollowsTheDeployment(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}})
	ingress := apiserver.MustGet(t, testCluster.Server, &networkingv1.Ingress{ObjectMeta: deployment.ObjectMeta})

	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation,
		Replicas:           1,
		UpdatedReplicas:    1,
		ReadyReplicas:      1,
		AvailableReplicas:  1,
		Conditions: []appsv1.DeploymentCondition{{
			Type:   appsv1.DeploymentProgressing,
			Status: corev1.ConditionTrue,
			Reason: "NewReplicaSetAvailable",
		}},
	}
	if err := testCluster.Status().Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}

	ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "192.0.2.1"}}
	if err := testCluster.Status().Update(t.Context(), ingress); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":     "True Ready",
		"Available": "True MinimumReplicasAvailable",
		"Exposed":   "True AddressAssigned",
	}))
	apiserver.Eventually(t, wantEvents(t, webhook, "Normal Ready"))

	deployment.Status.ReadyReplicas = 0
	deployment.Status.AvailableReplicas = 0

	deployment.Status.UnavailableReplicas = 1
	if err := testCluster.Status().Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":     "False Unavailable",
		"Available": "False Unavailable",
		"Exposed":   "True AddressAssigned",
	}))
	apiserver.Eventually(t, wantEvents(t, webhook, "Normal Ready", "Warning Unavailable"))

	// The Deployment reports the previous generation until Kubernetes observes the new one.
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.LogLevel = v1alpha1.LogLevelDebug })
	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":       "False Progressing",
		"Reconciling": "True Progressing",
		"Available":   "False Progressing",
		"Exposed":     "True AddressAssigned",
	}))
}

func TestDeletedResourceIsNotReconciled(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	if err := testCluster.Delete(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}

	if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); !apierrors.IsNotFound(err) {
		t.Fatalf("the resource is not deleted immediately: %v", err)
	}

	apiserver.Eventually(t, func() error {
		writes := len(testCluster.writes.in(webhook.Namespace))
		if _, err := testCluster.reconciler.Reconcile(t.Context(), request(webhook)); err != nil {
			return err
		}

		return want(len(testCluster.writes.in(webhook.Namespace)), writes)
	})
}
