// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestRestartChangesNothing applies with a new Applier, whose memory is empty: it sends requests that change nothing.
func TestRestartChangesNothing(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	params, err := resources.NewParams(webhook, testEnvironment)
	if err != nil {
		t.Fatal(err)
	}

	restart := func() {
		objects := resources.Render(params)

		last, deployment, err := newRendering(webhook, objects)
		if err != nil {
			t.Fatal(err)
		}

		deployment.WithLabels(map[string]string{labelRendering: last.String()})

		restarted := apply.New(testCluster.Client, testCluster.Client, clockwork.NewRealClock())
		for _, object := range objects {
			if _, err := applyWith(t, restarted, webhook, object); err != nil {
				t.Fatal(err)
			}
		}
	}
	restart() // the API server rewrites a claim on the first identical request only

	before := children(t, webhook)

	restart()

	if diff := cmp.Diff(before, children(t, webhook)); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
}

// TestReplacedObjectIsNotTakenOver applies over an object that was replaced since the cache read it.
func TestReplacedObjectIsNotTakenOver(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales") // never stored, so the manager does not reconcile it
	webhook.UID = "b7a4f1a0-4f2c-4f57-9d1e-5f0f7b1a9a11"
	service := rendered(t, webhook, "Service", "sales")

	applied, err := applyWith(t, apply.New(testCluster.Client, testCluster.Client, clockwork.NewRealClock()), webhook, service)
	if err != nil {
		t.Fatal(err)
	}

	if err := testCluster.Delete(t.Context(), applied); err != nil {
		t.Fatal(err)
	}

	foreign := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1234}}},
	}
	testCluster.MustCreate(t, foreign)

	stale := staleClient{Client: testCluster.Client, cached: applied}
	if _, err := applyWith(t, apply.New(stale, testCluster.Client, clockwork.NewRealClock()), webhook, service); !apierrors.IsConflict(err) {
		t.Errorf("applying over a foreign object: %v; want a conflict", err)
	}

	if before := foreign.ResourceVersion; apiserver.MustGet(t, testCluster.Server, foreign).ResourceVersion != before {
		t.Error("the foreign object was changed")
	}
}

// applyWith looks at an object and applies it.
func applyWith(t *testing.T, applier *apply.Applier, webhook *v1alpha1.WhatsAppWebhook, object resources.Object) (client.Object, error) {
	t.Helper()

	target, err := applier.Get(t.Context(), webhook, object)
	if err != nil {
		return nil, err
	}

	return applier.Apply(t.Context(), target)
}

// staleClient reads from a cache that no longer follows changes.
type staleClient struct {
	client.Client
	cached client.Object
}

func (c staleClient) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	c.cached.(*metav1.PartialObjectMetadata).DeepCopyInto(object.(*metav1.PartialObjectMetadata))
	return nil
}

// rendered returns the object with the kind and name.
func rendered(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, kind, name string) resources.Object {
	t.Helper()

	params, err := resources.NewParams(webhook, testEnvironment)
	if err != nil {
		t.Fatal(err)
	}

	for _, object := range resources.Render(params) {
		if *object.GetKind() == kind && *object.GetName() == name {
			return object
		}
	}

	t.Fatalf("no %s %s is rendered", kind, name)

	return nil
}
