// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/flux"
)

// change is a commit that changes one field of the resource.
type change struct {
	name    string
	field   string // path, separated by dots
	value   any
	flux    string // part of Flux's message if it reports a failure
	message string // part of the message of Ready, if the operator reports the failure
}

// revertChanges pushes changes, and reverts each as 'git revert' does. The cluster takes the change, or Flux reports that
// it does not. The revert is always accepted, and the resource is ready again.
func (c *fluxCluster) revertChanges(t *testing.T) {
	c.tryChanges(t, []change{
		{
			name:  "another URL",
			field: "spec.bird.baseURL",
			value: "https://next.example.com",
		},
		{
			name:  "a value that the kind does not allow",
			field: "spec.bird.baseURL",
			value: "ftp://bridge.example.com",
			flux:  "spec.bird.baseURL",
		},
		{
			name:  "another protocol",
			field: "spec.bird.protocol",
			value: "Flow",
		},
		{
			name:  "a paused receiver",
			field: "spec.receiver",
			value: map[string]any{"replicas": int64(0)},
		},
		{
			name:  "a suspended resource",
			field: "spec.suspend",
			value: true,
		},
	})
}

// revertVolumeChanges pushes changes that the API server refuses for the claim.
func (c *fluxCluster) revertVolumeChanges(t *testing.T) {
	c.tryChanges(t, []change{
		{
			name:    "a class that cannot grow",
			field:   "spec.store.embedded.size",
			value:   "20Gi",
			flux:    "WhatsAppWebhook/messaging/sales",
			message: "only dynamically provisioned pvc can be resized",
		},
		{
			name:    "a smaller volume",
			field:   "spec.store.embedded.size",
			value:   "5Gi",
			flux:    "WhatsAppWebhook/messaging/sales",
			message: "field can not be less than",
		},
		{
			name:    "another class",
			field:   "spec.store.embedded.storageClassName",
			value:   "other",
			flux:    "WhatsAppWebhook/messaging/sales",
			message: "spec is immutable after creation",
		},
	})
}

func (c *fluxCluster) tryChanges(t *testing.T, changes []change) {
	t.Helper()

	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			changed := fluxSample(t)
			if err := unstructured.SetNestedField(changed.Object, change.value, strings.Split(change.field, ".")...); err != nil {
				t.Fatal(err)
			}

			status, text := metav1.ConditionTrue, "Applied revision"
			if change.flux != "" {
				status, text = metav1.ConditionFalse, change.flux
			}

			c.await(t, webhooksKustomization, c.push(t, changed), status, text)

			if ready := flux.Condition(c.webhook(t), "Ready"); !strings.Contains(ready.Message, change.message) {
				t.Errorf("Ready says %q, want %q", ready.Message, change.message)
			}

			c.await(t, webhooksKustomization, c.push(t, fluxSample(t)), metav1.ConditionTrue, "Applied revision")

			if ready := flux.Condition(c.webhook(t), "Ready"); ready.Status != metav1.ConditionTrue {
				t.Errorf("after the revert Ready is %s: %s", ready.Status, ready.Message)
			}

			c.isAtRest(t, 1)
		})
	}
}

// scaleByOthers lets an autoscaler set the replicas of a receiver with a database.
func (c *fluxCluster) scaleByOthers(t *testing.T) {
	scaled := sample(t, "")
	for field, value := range map[string]any{
		"store":    map[string]any{"postgreSQL": map[string]any{"urlSecretRef": map[string]any{"name": "sales-database", "key": "url"}}},
		"receiver": map[string]any{"replicas": int64(3)},
	} {
		if err := unstructured.SetNestedField(scaled.Object, value, "spec", field); err != nil {
			t.Fatal(err)
		}
	}

	c.await(t, webhooksKustomization, c.push(t, scaled), metav1.ConditionTrue, "Applied revision")
	replicasAre(t, 3)

	// Git gives the number up, and an autoscaler of the Deployment sets another one.
	freed := scaled.DeepCopy()
	unstructured.RemoveNestedField(freed.Object, "spec", "receiver")
	c.await(t, webhooksKustomization, c.push(t, freed), metav1.ConditionTrue, "Applied revision")
	replicasAreFree(t)
	replicasAre(t, 3)

	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "messaging", Name: "sales"}}
	scale(t, deployment, 5)
	c.isAtRest(t, 2)
	replicasAre(t, 5)

	// With the number in Git, Flux resets what an autoscaler of the resource sets, unless it ignores the field.
	c.await(t, webhooksKustomization, c.push(t, scaled), metav1.ConditionTrue, "Applied revision")
	scale(t, c.webhook(t), 4)
	c.Reconcile(t, webhooksKustomization)
	replicasAre(t, 3)

	c.ignore(t, "/spec/receiver/replicas")
	scale(t, c.webhook(t), 4)
	c.Reconcile(t, webhooksKustomization)
	c.isAtRest(t, 1)
	replicasAre(t, 4)
}

// ignore lets Flux ignore a field of WhatsAppWebhooks.
func (c *fluxCluster) ignore(t *testing.T, path string) {
	t.Helper()

	kustomization := c.Kustomization(t, webhooksKustomization)
	patch := client.MergeFrom(kustomization.DeepCopy())

	rules := []any{map[string]any{
		"paths":  []any{path},
		"target": map[string]any{"kind": "WhatsAppWebhook"},
	}}
	if err := unstructured.SetNestedSlice(kustomization.Object, rules, "spec", "ignore"); err != nil {
		t.Fatal(err)
	}

	if err := testCluster.Patch(t.Context(), kustomization, patch); err != nil {
		t.Fatal(err)
	}

	c.Reconcile(t, webhooksKustomization)
}

// scale sets the replicas through the scale subresource, as an autoscaler does.
func scale(t *testing.T, o client.Object, replicas int32) {
	t.Helper()

	wanted := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	if err := testCluster.SubResource("scale").Update(t.Context(), o, client.WithSubResourceBody(wanted)); err != nil {
		t.Fatalf("scale %s: %v", o.GetName(), err)
	}
}

// replicasAre waits until the Deployment of the receivers asks for so many pods.
func replicasAre(t *testing.T, want int64) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		live := get(t, "apps/v1", "Deployment", "messaging", "sales")
		if replicas, _, err := unstructured.NestedInt64(live.Object, "spec", "replicas"); err != nil || replicas != want {
			return fmt.Errorf("the Deployment has %d replicas, want %d: %w", replicas, want, err)
		}

		return nil
	})
}

// replicasAreFree waits until the operator does not set the replicas any more: that is a write to the Deployment too.
func replicasAreFree(t *testing.T) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		for _, entry := range get(t, "apps/v1", "Deployment", "messaging", "sales").GetManagedFields() {
			if entry.Manager == release && strings.Contains(string(entry.FieldsV1.GetRawBytes()), `"f:replicas"`) {
				return errors.New("the operator still sets the replicas")
			}
		}

		return nil
	})
}
