// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestRefusedResize changes the size of a volume as its class does not allow, and reverts the change as Git would.
func TestRefusedResize(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		size   string
		reason string
		want   []string
	}{
		"larger": {"20Gi", "AdmissionDenied", []string{
			"PersistentVolumeClaim sales-store was denied: ",
			"only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
		}},
		"smaller": {"1Gi", "ObjectRejected", []string{
			"PersistentVolumeClaim sales-store was rejected by the API server: spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := withVolume(t, fixedClass(t))

			resize := func(size string) {
				change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
					w.Spec.Store.Embedded.Size = new(resource.MustParse(size))
				})
			}

			resize(test.size)
			apiserver.Eventually(t, wantConditions(t, webhook, stalled(test.reason, nil)))
			wantMessage(t, webhook, test.want...)

			resize("10Gi")
			apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
		})
	}
}

// TestClaimThatAnotherManagerEnlarges raises the request of a claim as a controller does that enlarges volumes that fill up.
func TestClaimThatAnotherManagerEnlarges(t *testing.T) {
	t.Parallel()
	webhook := withVolume(t, growingClass(t))

	claim := &corev1.PersistentVolumeClaim{ObjectMeta: named(webhook, "sales-store")}
	request := func(want string) {
		t.Helper()
		waitUntilSettled(t, webhook)

		if got := apiserver.MustGet(t, testCluster.Server, claim).Spec.Resources.Requests.Storage().String(); got != want {
			t.Errorf("the claim requests %s; want %s", got, want)
		}
	}

	change(t, claim, func(c *corev1.PersistentVolumeClaim) {
		c.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("20Gi")
	})
	bind(t, webhook.Namespace, "sales-store")
	request("20Gi")
	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Store.Embedded.Size = new(resource.MustParse("15Gi")) })
	request("20Gi")
	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Store.Embedded.Size = new(resource.MustParse("30Gi")) })
	request("30Gi")
}

// withVolume creates a resource whose claim sales-store has 10 GiB of a storage class, and is bound.
func withVolume(t *testing.T, class string) *v1alpha1.WhatsAppWebhook {
	t.Helper()

	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{
		Size:             new(resource.MustParse("10Gi")),
		StorageClassName: &class,
	}
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	bind(t, webhook.Namespace, "sales-store")

	return webhook
}

// fixedClass creates a storage class whose volumes cannot grow, and returns its name.
func fixedClass(t *testing.T) string {
	t.Helper()

	return newClass(t, false)
}

// growingClass creates a storage class whose volumes can grow, and returns its name.
func growingClass(t *testing.T) string {
	t.Helper()

	return newClass(t, true)
}

func newClass(t *testing.T, grows bool) string {
	t.Helper()

	class := &storagev1.StorageClass{
		ObjectMeta:           metav1.ObjectMeta{GenerateName: "class-"},
		Provisioner:          "volumes.example.com",
		AllowVolumeExpansion: &grows,
	}
	create(t, class)

	return class.Name
}

// bind gives a claim the status of a bound one: the controller that binds claims does not run here.
func bind(t *testing.T, namespace, name string) {
	t.Helper()

	bound := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	apiserver.MustGet(t, testCluster.Server, bound)

	bound.Status.Phase = corev1.ClaimBound
	bound.Status.Capacity = bound.Spec.Resources.Requests.DeepCopy()

	if err := testCluster.Status().Update(t.Context(), bound); err != nil {
		t.Fatal(err)
	}
}

// TestSmallerSizeMeetsQuota reduces the size of a volume that was never created.
func TestSmallerSizeMeetsQuota(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	limitStorage(t, webhook.Namespace, "5Gi")
	testCluster.MustCreate(t, webhook)
	apiserver.Eventually(t, wantConditions(t, webhook, stalled("QuotaExceeded", nil)))

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{Size: new(resource.MustParse("5Gi"))}
	})
	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
}
