// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// claimOf returns a claim whose volume has a size, that requests another, and that has conditions. Without a size it is not
// bound.
func claimOf(size, wanted string, conditions ...corev1.PersistentVolumeClaimConditionType) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "sales-store"}}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(wanted)}

	if size != "" {
		claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
	}

	for _, kind := range conditions {
		claim.Status.Conditions = append(claim.Status.Conditions, corev1.PersistentVolumeClaimCondition{
			Type:    kind,
			Status:  corev1.ConditionTrue,
			Message: "words of the storage",
		})
	}

	return claim
}

func TestResizing(t *testing.T) {
	t.Parallel()

	in := func(claim *corev1.PersistentVolumeClaim, status corev1.ClaimResourceStatus) *corev1.PersistentVolumeClaim {
		claim.Status.AllocatedResourceStatuses = map[corev1.ResourceName]corev1.ClaimResourceStatus{corev1.ResourceStorage: status}

		return claim
	}

	for name, test := range map[string]struct {
		claim  *corev1.PersistentVolumeClaim
		reason string
		words  []string
	}{
		"none":                 {},
		"not bound":            {claim: claimOf("", "20Gi")},
		"as requested":         {claim: claimOf("20Gi", "20Gi")},
		"larger":               {claim: claimOf("32Gi", "20Gi")},
		"after an old error":   {claim: claimOf("20Gi", "20Gi", corev1.PersistentVolumeClaimControllerResizeError)},
		"not begun":            {claimOf("10Gi", "20Gi"), "VolumeResizing", []string{"sales-store has 10Gi of the requested 20Gi", "kubectl describe pvc sales-store"}},
		"in progress":          {claimOf("10Gi", "20Gi", corev1.PersistentVolumeClaimResizing), "VolumeResizing", []string{"is being enlarged"}},
		"file system":          {claimOf("10Gi", "20Gi", corev1.PersistentVolumeClaimFileSystemResizePending), "VolumeResizing", []string{"its file system", "kubectl delete pod -l app.kubernetes.io/instance=sales"}},
		"node in progress":     {in(claimOf("10Gi", "20Gi"), corev1.PersistentVolumeClaimNodeResizeInProgress), "VolumeResizing", []string{"its file system"}},
		"storage fails":        {claimOf("10Gi", "20Gi", corev1.PersistentVolumeClaimResizing, corev1.PersistentVolumeClaimControllerResizeError), "VolumeResizeFailed", []string{"words of the storage", "set a smaller store.embedded.size above 10Gi"}},
		"node fails":           {claimOf("10Gi", "20Gi", corev1.PersistentVolumeClaimNodeResizeError), "VolumeResizeFailed", []string{"words of the storage"}},
		"storage is too small": {in(claimOf("10Gi", "20Gi"), corev1.PersistentVolumeClaimControllerResizeInfeasible), "VolumeResizeFailed", []string{"cannot be enlarged (ControllerResizeInfeasible)"}},
		"node is too small":    {in(claimOf("10Gi", "20Gi"), corev1.PersistentVolumeClaimNodeResizeInfeasible), "VolumeResizeFailed", []string{"(NodeResizeInfeasible)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := resizing(newWebhook("messaging", "sales"), test.claim)
			if got.reason != test.reason {
				t.Errorf("reason %q, want %q", got.reason, test.reason)
			}

			for _, words := range test.words {
				if !strings.Contains(got.message, words) {
					t.Errorf("the message lacks %q: %s", words, got.message)
				}
			}
		})
	}
}

// TestVolumeThatDoesNotGrow enlarges the volume of a resource that is ready, at a storage that fails and then enlarges it.
func TestVolumeThatDoesNotGrow(t *testing.T) {
	t.Parallel()

	webhook := withVolume(t, growingClass(t))
	setDeployed(t, webhook, 1)
	apiserver.Eventually(t, wantReason(t, webhook, "Ready", "", "volume"))

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Store.Embedded.Size = new(resource.MustParse("20Gi")) })
	apiserver.Eventually(t, wantReason(t, webhook, "VolumeResizing", "has 10Gi of the requested 20Gi", ""))

	claim := &corev1.PersistentVolumeClaim{ObjectMeta: named(webhook, "sales-store")}
	changeStatus(t, claim, func(claim *corev1.PersistentVolumeClaim) {
		claim.Status.Conditions = claimOf("10Gi", "20Gi", corev1.PersistentVolumeClaimControllerResizeError).Status.Conditions
	})
	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":     "False VolumeResizeFailed",
		"Stalled":   "True VolumeResizeFailed",
		"Available": "True MinimumReplicasAvailable",
	}))

	// The API server accepts what the message advises, and not the former size.
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Store.Embedded.Size = new(resource.MustParse("10Gi")) })
	apiserver.Eventually(t, wantReason(t, webhook, "ObjectRejected", "field can not be less than status.capacity", ""))

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Store.Embedded.Size = new(resource.MustParse("11Gi")) })
	apiserver.Eventually(t, wantReason(t, webhook, "VolumeResizeFailed", "has 10Gi of the requested 11Gi", ""))

	changeStatus(t, claim, func(claim *corev1.PersistentVolumeClaim) {
		claim.Status.Conditions = nil
		claim.Status.Capacity = claim.Spec.Resources.Requests.DeepCopy()
	})
	apiserver.Eventually(t, wantReason(t, webhook, "Ready", "", "volume"))
}
