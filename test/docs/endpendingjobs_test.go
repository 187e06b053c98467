// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// TestEndPendingJobs decodes the Jobs that end what is pending in a restored store: one for each kind of store, with the
// volumes that a resource with this store has. A pod whose claim or Secret does not exist never starts. Package main of
// cmd/receiver checks the arguments themselves.
func TestEndPendingJobs(t *testing.T) {
	database := v1alpha1.SecretKeyReference{Name: "sales-database", Key: "url"}

	stores := map[string]v1alpha1.StoreSpec{
		"--store=/store/inbox.db": {},
		"--store=postgresql":      {PostgreSQL: v1alpha1.PostgreSQLStore{URLSecretRef: database}},
	}

	for block, job := range jobs(t, "tested: TestEndPendingJobs") {
		pod := checkJob(t, block, job)
		known := false

		for arg, store := range stores {
			if !slices.Contains(pod.Containers[0].Args, arg) {
				continue
			}

			known = true

			delete(stores, arg)

			webhook := &v1alpha1.WhatsAppWebhook{
				ObjectMeta: metav1.ObjectMeta{Name: "sales"},
				Spec:       v1alpha1.WhatsAppWebhookSpec{Store: store},
			}

			if len(pod.Volumes) == 0 {
				t.Errorf("%s: the Job mounts nothing", block)
			}

			for _, volume := range pod.Volumes {
				claim, secret := volume.PersistentVolumeClaim, volume.Secret

				switch {
				case claim != nil && claim.ClaimName == resources.ClaimName(webhook):
				case secret != nil && secret.SecretName == store.PostgreSQL.URLSecretRef.Name:
				default:
					t.Errorf("%s: a resource with this store has no volume %s", block, volume.Name)
				}
			}
		}

		if !known {
			t.Errorf("%s: the arguments %v name no store, or one of another Job", block, pod.Containers[0].Args)
		}
	}

	for arg := range stores {
		t.Errorf("no Job has %s", arg)
	}
}

// TestRestoredResourcesStartNoReceiver checks that each resource that begins with a snapshot or another claim has no receiver
// at first: it would answer what is pending there.
func TestRestoredResourcesStartNoReceiver(t *testing.T) {
	found := 0

	for _, page := range pages(t) {
		for _, block := range page.Blocks {
			if block.Language != "yaml" || block.Note != "" {
				continue
			}

			var webhook v1alpha1.WhatsAppWebhook
			if err := yaml.Unmarshal([]byte(block.Text), &webhook); err != nil {
				continue // TestYAML says so
			}

			embedded := webhook.Spec.Store.Embedded
			if embedded == nil || embedded.DataSource.Kind == "" {
				continue
			}

			found++

			if replicas := webhook.Spec.Receiver.Replicas; replicas == nil || *replicas != 0 {
				t.Errorf("%s: the resource has a dataSource, and not replicas: 0", block)
			}
		}
	}

	if found == 0 {
		t.Error("found no resource with a dataSource")
	}
}
