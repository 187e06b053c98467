// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestClaimThatIsBeingDeleted deletes a claim that the receiver uses. The pod stays as it is, since the claim goes with it.
func TestClaimThatIsBeingDeleted(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		edit  func(*v1alpha1.WhatsAppWebhook)
		claim string
		own   bool
	}{
		"deleted with the resource": {retain(v1alpha1.WhenDeletedDelete), "sales-store", true},
		"retained":                  {retain(v1alpha1.WhenDeletedRetain), "sales-store", true},
		"of the user":               {useClaim("data"), "data", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(testCluster.NewNamespace(t), "sales")
			test.edit(webhook)

			deleted := claim(webhook.Namespace, test.claim, "1Gi")
			if !test.own {
				testCluster.MustCreate(t, deleted)
			}

			testCluster.MustCreate(t, webhook)
			apiserver.Eventually(t, wantMounted(t, webhook, test.claim))
			waitUntilSettled(t, webhook)

			apiserver.MustGet(t, testCluster.Server, deleted)

			if err := testCluster.Delete(t.Context(), deleted); err != nil {
				t.Fatal(err)
			}

			if test.own {
				apiserver.Eventually(t, wantConditions(t, webhook, stalled("ClaimTerminating", nil)))
			}

			const image = "registry.example.com/receiver:new"

			change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.Image = image })
			apiserver.Eventually(t, wantConditions(t, webhook, stalled("ClaimTerminating", nil)))
			wantMessage(t, webhook, "PersistentVolumeClaim "+test.claim+" is being deleted", "Deployment sales refers to PersistentVolumeClaim "+test.claim)

			if got := deploymentOf(t, webhook).Spec.Template.Spec.Containers[0].Image; got != testImage {
				t.Errorf("the Deployment got the image %s", got)
			}

			// The end of its pod releases the claim.
			release(t, deleted)

			if !test.own {
				apiserver.Eventually(t, wantConditions(t, webhook, stalled("ClaimMissing", nil)))
				testCluster.MustCreate(t, claim(webhook.Namespace, test.claim, "1Gi"))
			}

			apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))

			if got := deploymentOf(t, webhook).Spec.Template.Spec.Containers[0].Image; got != image {
				t.Errorf("the Deployment has the image %s; want the new one", got)
			}

			again := &corev1.PersistentVolumeClaim{}
			if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(deleted), again); apierrors.IsNotFound(err) || again.UID == deleted.UID {
				t.Errorf("there is no new claim: %v", err)
			}
		})
	}
}

// TestTerminatingClaimOfASuspendedResource has the claim of a resource deleted that the operator does not reconcile.
func TestTerminatingClaimOfASuspendedResource(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	apiserver.Eventually(t, wantMounted(t, webhook, "sales-store"))
	waitUntilSettled(t, webhook)
	setDeployed(t, webhook, 1)
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Suspend = true })

	deleted := claim(webhook.Namespace, "sales-store", "10Gi")
	if err := testCluster.Delete(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, wantReason(t, webhook, "Suspended", "PersistentVolumeClaim sales-store is being deleted", ""))
	release(t, deleted)
}
