// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestAnotherOperator runs a second operator, of another release, on the same resource.
func TestAnotherOperator(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	second := *testCluster.reconciler
	second.environment.ReceiverImage = "registry.example.com/receiver:other"
	second.applier = apply.New(second.client, second.live, clockwork.NewFakeClock(), typedKinds()...)

	reconcile := func() error {
		_, err := second.Reconcile(t.Context(), request(webhook))

		return err
	}

	isContested := wantConditions(t, webhook, stalled("AnotherOperator", nil))
	apiserver.Eventually(t, func() error { return errors.Join(reconcile(), isContested()) })
	wantMessage(t, webhook, "another operator writes the same objects with the same field manager, most recently Deployment sales")

	// Both stop to revert each other.
	written := func() (requests int) {
		for _, request := range testCluster.writes.in(webhook.Namespace) {
			if strings.Contains(request, "/deployments/") {
				requests++
			}
		}

		return requests
	}
	quiet := 0
	apiserver.Eventually(t, func() error {
		before := written()

		if err := reconcile(); err != nil {
			return err
		}

		if _, err := testCluster.reconciler.Reconcile(t.Context(), request(webhook)); err != nil {
			return err
		}

		if written() != before {
			quiet = 0
		}

		quiet++

		return want(quiet > 20, true)
	})

	if requests := written(); requests > 20 {
		t.Errorf("the Deployment was written %d times", requests)
	}
}

// TestForeignWritesAreSeen writes an object under the operator's name, in the second of its own write and later.
func TestForeignWritesAreSeen(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		object resources.Reference
		edit   func(*v1alpha1.WhatsAppWebhookSpec)
		value  func(t *testing.T, namespace string) string
	}{
		"kind with a generation": {
			resources.Reference{Kind: "Deployment", Name: "sales"},
			func(s *v1alpha1.WhatsAppWebhookSpec) { s.Receiver.Image = "registry.example.com/receiver:other" },
			func(t *testing.T, namespace string) string {
				t.Helper()

				deployment := &appsv1.Deployment{}
				deployment.Namespace, deployment.Name = namespace, "sales"

				return apiserver.MustGet(t, testCluster.Server, deployment).Spec.Template.Spec.Containers[0].Image
			},
		},
		"kind without": {
			resources.Reference{Kind: "ConfigMap", Name: "sales-config"},
			func(s *v1alpha1.WhatsAppWebhookSpec) { s.Processing.Concurrency = 7 },
			func(t *testing.T, namespace string) string {
				t.Helper()

				config := &corev1.ConfigMap{}
				config.Namespace, config.Name = namespace, "sales-config"

				var content strings.Builder
				for _, value := range apiserver.MustGet(t, testCluster.Server, config).Data {
					content.WriteString(value)
				}

				return content.String()
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours := newWebhook(testCluster.NewNamespace(t), "sales") // never stored, so the manager does not reconcile it
			ours.UID = "b7a4f1a0-4f2c-4f57-9d1e-5f0f7b1a9a11"

			others := ours.DeepCopy()
			test.edit(&others.Spec)

			clock := clockwork.NewFakeClock()
			applier := apply.New(testCluster.Client, testCluster.Client, clock, typedKinds()...)
			value := func() string { return test.value(t, ours.Namespace) }
			write := func(applier *apply.Applier, webhook *v1alpha1.WhatsAppWebhook) {
				t.Helper()

				if _, err := applyWith(t, applier, webhook, rendered(t, webhook, test.object.Kind, test.object.Name)); err != nil {
					t.Fatal(err)
				}
			}
			overwrite := func() {
				t.Helper()
				write(apply.New(testCluster.Client, testCluster.Client, clock, typedKinds()...), others)
			}
			wantContested := func(wanted bool) {
				t.Helper()

				if _, got := applier.Contested(client.ObjectKeyFromObject(ours)); got != wanted {
					t.Fatalf("contested: %v; want %v", got, wanted)
				}
			}

			write(applier, ours)

			content := value()

			for range 2 {
				overwrite()
				write(applier, ours)

				if value() != content {
					t.Fatal("a single write was not reverted")
				}

				wantContested(false)
			}

			for range 3 {
				overwrite()
				write(applier, ours)
			}

			wantContested(true)
			overwrite()
			write(applier, ours)

			if value() == content {
				t.Fatal("the contest goes on at full speed")
			}

			clock.Advance(6 * time.Minute)
			write(applier, ours)

			if value() != content {
				t.Fatal("the last write was not reverted")
			}

			wantContested(true)
			clock.Advance(5 * time.Minute)
			wantContested(false)
		})
	}
}

// TestOtherControllersAreNoContest has a controller change the Service before the operator writes it and while it does, as those
// of load balancers do.
func TestOtherControllersAreNoContest(t *testing.T) {
	t.Parallel()

	webhook := newWebhook(testCluster.NewNamespace(t), "sales") // never stored, so the manager does not reconcile it
	webhook.UID = "b7a4f1a0-4f2c-4f57-9d1e-5f0f7b1a9a11"

	changes := 0
	annotate := func() {
		changes++

		service := &corev1.Service{ObjectMeta: named(webhook, "sales")}
		annotation := fmt.Sprintf(`{"metadata":{"annotations":{"example.com/changes":"%d"}}}`, changes)

		if err := testCluster.Patch(t.Context(), service, client.RawPatch(types.MergePatchType, []byte(annotation))); err != nil {
			t.Error(err)
		}
	}

	between := &changingClient{Client: testCluster.Client, change: annotate}
	applier := apply.New(between, testCluster.Client, clockwork.NewFakeClock(), typedKinds()...)
	write := func() {
		t.Helper()

		if _, err := applyWith(t, applier, webhook, rendered(t, webhook, "Service", "sales")); err != nil {
			t.Fatal(err)
		}
	}

	write()

	for range 5 {
		annotate()

		between.armed = true

		write()
	}

	if changes != 10 {
		t.Errorf("%d changes; want 5 before writes and 5 during them", changes)
	}

	if object, contested := applier.Contested(client.ObjectKeyFromObject(webhook)); contested {
		t.Errorf("%s is contested, although no other operator writes it", object)
	}
}

// changingClient makes a change before the next write.
type changingClient struct {
	client.Client

	change func()
	armed  bool
}

func (c *changingClient) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	if c.armed {
		c.armed = false
		c.change()
	}

	return c.Client.Patch(ctx, object, patch, options...)
}
