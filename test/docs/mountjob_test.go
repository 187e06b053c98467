// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// TestMountJob decodes the Job that mounts the claim of a resource without a pod, so that the claim gets its volume. It must
// not touch the store.
func TestMountJob(t *testing.T) {
	found := jobs(t, "tested: TestMountJob")

	for block, job := range found {
		pod := checkJob(t, block, job)

		claim := resources.ClaimName(&v1alpha1.WhatsAppWebhook{ObjectMeta: metav1.ObjectMeta{Name: "sales"}})
		if len(pod.Volumes) != 1 || pod.Volumes[0].PersistentVolumeClaim.ClaimName != claim {
			t.Errorf("%s: the volumes are %v, want the claim %s", block, pod.Volumes, claim)
		}

		if !slices.Equal(pod.Containers[0].Args, []string{"--version"}) {
			t.Errorf("%s: the arguments are %v", block, pod.Containers[0].Args)
		}
	}

	if len(found) != 1 {
		t.Errorf("found %d Jobs, want 1", len(found))
	}
}
