// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// want returns an error with the difference if got is not want.
func want[T any](got, want T) error {
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("(-want +got):\n%s", diff)
	}

	return nil
}

// allConditions adds the conditions of a resource without pods and without optional features.
func allConditions(wanted map[string]string) map[string]string {
	all := map[string]string{
		"SecretsAvailable":    "Unknown NotReported",
		"Exposed":             "False NotRequested",
		"Subscribed":          "False NotRequested",
		"Responding":          "Unknown NotReported",
		"Operational":         "Unknown NotReported",
		"ExtensionsAvailable": "True NotRequested",
	}

	if secrets := wanted["SecretsAvailable"]; secrets != "" && secrets != all["SecretsAvailable"] {
		// A receiver has answered.
		all["Responding"] = "True NoOtherResponder"
		all["Operational"] = "True Operational"
	}

	maps.Copy(all, wanted)

	return all
}

// wantConditions returns a check that reads the resource and compares all its conditions, as type → "status reason". It
// fails until the status is of the latest generation. [allConditions] adds those left out.
func wantConditions(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, wanted map[string]string) func() error {
	t.Helper()

	return func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); err != nil {
			return err
		}

		got := map[string]string{}
		for _, c := range webhook.Status.Conditions {
			got[c.Type] = fmt.Sprintf("%s %s", c.Status, c.Reason)
			if c.ObservedGeneration != webhook.Generation {
				return fmt.Errorf("condition %s is of generation %d; want %d", c.Type, c.ObservedGeneration, webhook.Generation)
			}
		}

		if err := want(webhook.Status.ObservedGeneration, webhook.Generation); err != nil {
			return fmt.Errorf("observedGeneration %w", err)
		}

		if err := want(got, allConditions(wanted)); err != nil {
			return fmt.Errorf("conditions %w\n%s", err, readyMessage(webhook))
		}

		return nil
	}
}

func readyMessage(webhook *v1alpha1.WhatsAppWebhook) string {
	if ready := meta.FindStatusCondition(webhook.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Message
	}

	return ""
}

// wantEvents returns a check of all events of the resource, as "type reason". Each must have been recorded once.
func wantEvents(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, wanted ...string) func() error {
	t.Helper()

	return func() error {
		list := &eventsv1.EventList{}
		if err := testCluster.List(t.Context(), list, client.InNamespace(webhook.Namespace)); err != nil {
			return err
		}

		got := make([]string, 0, len(list.Items))
		for _, event := range list.Items {
			if event.Regarding.UID != webhook.UID {
				continue
			}

			if event.Series != nil {
				return fmt.Errorf("event %s was recorded %d times", event.Reason, event.Series.Count)
			}

			got = append(got, event.Type+" "+event.Reason)
		}

		slices.Sort(got)

		return want(got, wanted)
	}
}

// items returns the objects of a list.
func items(t *testing.T, list client.ObjectList) []client.Object {
	t.Helper()

	var objects []client.Object

	err := meta.EachListItem(list, func(item runtime.Object) error {
		object, ok := item.(client.Object)
		if !ok {
			return fmt.Errorf("%T is not an object", item)
		}

		objects = append(objects, object)

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	return objects
}

func request(webhook *v1alpha1.WhatsAppWebhook) ctrl.Request {
	return ctrl.Request{NamespacedName: client.ObjectKeyFromObject(webhook)}
}

// waitUntilSettled waits until the resource is reconciled, and reconciling it three more times writes nothing.
func waitUntilSettled(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) {
	t.Helper()

	quiet := 0
	apiserver.Eventually(t, func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); err != nil {
			return err
		}

		if webhook.Status.ObservedGeneration != webhook.Generation {
			return fmt.Errorf("the status is of generation %d; want %d", webhook.Status.ObservedGeneration, webhook.Generation)
		}

		writes := len(testCluster.writes.in(webhook.Namespace))
		if _, err := testCluster.reconciler.Reconcile(t.Context(), request(webhook)); err != nil {
			return err
		}

		if got := len(testCluster.writes.in(webhook.Namespace)); got != writes {
			quiet = 0

			return fmt.Errorf("the operator still sends writes: %d", got-writes)
		}

		quiet++

		return want(quiet >= 3, true)
	})
}

// unstructuredOf returns the object as one to apply.
func unstructuredOf(t *testing.T, object client.Object) *unstructured.Unstructured {
	t.Helper()

	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}

	unstructured.RemoveNestedField(content, "metadata", "creationTimestamp")

	return &unstructured.Unstructured{Object: content}
}

// waitUntilForgotten waits until the operator has seen the deletion of the resource, after which it writes none of its objects.
func waitUntilForgotten(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) {
	t.Helper()

	apiserver.Eventually(t, func() error {
		if _, known := testCluster.reconciler.metrics.snapshot()[client.ObjectKeyFromObject(webhook)]; known {
			return errors.New("the operator has not seen the deletion")
		}

		return nil
	})
}
