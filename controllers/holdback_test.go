// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

func TestSuspendedResourceStaysAsItIs(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Suspend = true
		w.Spec.Ingress.Host = "hooks.example.com"
		w.Spec.Processing.Concurrency++
	})
	apiserver.Eventually(t, func() error { return wantReadyReason(t, webhook, v1alpha1.ReasonSuspended) })

	for _, kind := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if meta.FindStatusCondition(webhook.Status.Conditions, kind) != nil {
			t.Errorf("a suspended resource has the condition %s", kind)
		}
	}

	if webhook.Status.ObservedGeneration != webhook.Generation {
		t.Errorf("observedGeneration %d; want %d", webhook.Status.ObservedGeneration, webhook.Generation)
	}

	// Drift stays, and an object that is deleted does not come back.
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}}
	if err := testCluster.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}

	if _, err := testCluster.reconciler.Reconcile(t.Context(), request(webhook)); err != nil {
		t.Fatal(err)
	}

	waitUntilSettled(t, webhook)

	// Creations are PATCH requests too.
	for _, write := range testCluster.writes.in(webhook.Namespace) {
		if strings.HasSuffix(write, "/ingresses/sales") {
			t.Errorf("the operator wrote an object of a suspended resource: %s", write)
		}
	}

	if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(service), service); !apierrors.IsNotFound(err) {
		t.Errorf("the Service of a suspended resource came back: %v", err)
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Suspend = false })
	apiserver.Eventually(t, wantChildren(t, webhook,
		"ServiceAccount sales", "ConfigMap sales-config", "PersistentVolumeClaim sales-store", "Deployment sales",
		"Service sales", "Service sales-admin", "Ingress sales"))
	apiserver.Eventually(t, func() error { return wantReadyReason(t, webhook, v1alpha1.ReasonProgressing) })
}

// TestObservedClaim has a new operator hold a resource back and observe its claim: an owned claim, a retained one, and one
// of another owner.
func TestObservedClaim(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		whenDeleted v1alpha1.WhenDeleted
		foreign     bool
	}{
		"owned":     {whenDeleted: v1alpha1.WhenDeletedDelete},
		"retained":  {whenDeleted: v1alpha1.WhenDeletedRetain},
		"of others": {whenDeleted: v1alpha1.WhenDeletedRetain, foreign: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			webhook := newWebhook(testCluster.NewNamespace(t), "sales") // never stored, so the manager does not reconcile it
			webhook.UID = "b7a4f1a0-4f2c-4f57-9d1e-5f0f7b1a9a12"
			retain(test.whenDeleted)(webhook)

			object := rendered(t, webhook, "PersistentVolumeClaim", "sales-store")
			newApplier := func() *apply.Applier {
				return apply.New(testCluster.Client, testCluster.Client, clockwork.NewRealClock(), typedKinds()...)
			}

			if test.foreign {
				create(t, claim(webhook.Namespace, "sales-store", "1Gi"))
			} else if _, err := applyWith(t, newApplier(), webhook, object); err != nil {
				t.Fatal(err)
			}

			var seen observation

			r := &WhatsAppWebhookReconciler{applier: newApplier()}
			r.observe(t.Context(), webhook, []resources.Object{object}, &seen)

			if (seen.claim == nil) != test.foreign || len(seen.failures) > 0 {
				t.Errorf("claim %v and failures %v, want a claim: %t", seen.claim, seen.failures, !test.foreign)
			}
		})
	}
}

// TestRestoredObjects has a resource wait for its upgrade, with no object but a Service of another owner, which the cache lacks.
func TestRestoredObjects(t *testing.T) {
	t.Parallel()

	webhook := newWebhook(testCluster.NewNamespace(t), "sales") // never stored, so the manager does not reconcile it
	webhook.UID = "b7a4f1a0-4f2c-4f57-9d1e-5f0f7b1a9a14"
	webhook.Spec.Ingress.Host = "hooks.example.com"

	foreign := service(metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"})
	create(t, foreign)
	before := foreign.GetResourceVersion()

	params, err := resources.NewParams(webhook, testEnvironment)
	if err != nil {
		t.Fatal(err)
	}

	var seen observation

	testCluster.reconciler.restore(t.Context(), webhook, params, resources.Render(params), &seen)

	want := []string{"ConfigMap sales-config", "Service sales-admin", "ServiceAccount sales"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(children(t, webhook)))); diff != "" {
		t.Errorf("objects, of which none may refer to the Service of another owner (-want +got):\n%s", diff)
	}

	if apiserver.MustGet(t, testCluster.Server, foreign).GetResourceVersion() != before {
		t.Error("the foreign object was changed")
	}

	if len(seen.failures) != 1 || seen.failures[0].reason != v1alpha1.ReasonNameConflict {
		t.Errorf("failures %v; want %s", seen.failures, v1alpha1.ReasonNameConflict)
	}
}

func TestSuspendedResourceCanBeDeleted(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Suspend = true
	testCluster.MustCreate(t, webhook)
	apiserver.Eventually(t, func() error { return wantReadyReason(t, webhook, v1alpha1.ReasonSuspended) })

	if got := children(t, webhook); len(got) > 0 {
		t.Errorf("a resource that was created suspended has objects: %v", got)
	}

	if err := testCluster.Delete(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); !apierrors.IsNotFound(err) {
			return errors.Join(errors.New("the resource is still there"), err)
		}

		return nil
	})
}

// TestRequestedReconciliation checks that the annotation of Flux wakes a resource that waits for nothing else.
func TestRequestedReconciliation(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	// The operator does not watch the status, so it does not repair it by itself.
	webhook.Status.URL = "https://wrong.example.com"
	if err := testCluster.Status().Update(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}

	for _, value := range []string{"2026-01-01T00:00:00Z", "again"} {
		webhook = apiserver.MustGet(t, testCluster.Server, webhook)
		webhook.Status.URL = "https://wrong.example.com"

		if err := testCluster.Status().Update(t.Context(), webhook); err != nil {
			t.Fatal(err)
		}

		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
			w.Annotations = map[string]string{RequestedAtAnnotation: value}
		})
		apiserver.Eventually(t, func() error {
			return want(apiserver.MustGet(t, testCluster.Server, webhook).Status.URL, "")
		})
	}

	if diff := cmp.Diff(int64(1), webhook.Generation); diff != "" {
		t.Errorf("generation (-want +got):\n%s", diff)
	}
}

func wantReadyReason(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, reason string) error {
	t.Helper()

	if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); err != nil {
		return err
	}

	ready := meta.FindStatusCondition(webhook.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Reason != reason || ready.ObservedGeneration != webhook.Generation {
		return fmt.Errorf("Ready is %+v; want the reason %s of generation %d", ready, reason, webhook.Generation)
	}

	return nil
}
