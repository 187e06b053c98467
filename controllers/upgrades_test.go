// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// oneResource is a client of a cluster with one resource and its Deployment.
type oneResource struct {
	client.Client

	webhook    *v1alpha1.WhatsAppWebhook
	deployment *appsv1.Deployment
}

// Get implements client.Reader.
func (r oneResource) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	switch object := object.(type) {
	case *v1alpha1.WhatsAppWebhook:
		r.webhook.DeepCopyInto(object)
	case *appsv1.Deployment:
		r.deployment.DeepCopyInto(object)
	}

	return nil
}

// List implements client.Reader.
func (r oneResource) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*v1alpha1.WhatsAppWebhookList).Items = []v1alpha1.WhatsAppWebhook{*r.webhook}

	return nil
}

// TestFailedUpgradeOfADeletedResource restarts an operator while the receiver whose upgrade failed is being deleted. The
// resource is the first to be reconciled; what is found of former upgrades then halts no others.
func TestFailedUpgradeOfADeletedResource(t *testing.T) {
	t.Parallel()

	webhook := newWebhook("messaging", "sales")
	webhook.UID = "1"
	webhook.DeletionTimestamp = new(metav1.Now())

	deployment := running(1, unready, progress("ProgressDeadlineExceeded"))
	deployment.Labels = map[string]string{labelRendering: "generation-1.0123456789abcdef.upgrade"}
	deployment.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(webhook, v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.Kind))}

	r := &WhatsAppWebhookReconciler{
		client:   oneResource{webhook: webhook, deployment: deployment},
		upgrades: newUpgrades(1, logr.Discard(), func(types.NamespacedName) {}),
	}
	if _, err := r.Reconcile(t.Context(), request(webhook)); err != nil {
		t.Fatal(err)
	}

	// Any other resource has them loaded.
	if err := r.upgrades.load(t.Context(), r.client); err != nil {
		t.Fatal(err)
	}

	if _, _, failed := r.upgrades.count(); failed > 0 {
		t.Errorf("%d failed upgrades; want none, since the resource is being deleted", failed)
	}
}

// TestUpgradeAfterAnError has the reconciliation of a resource that was woken to take a slot end before it takes it. The next
// one takes the slot.
func TestUpgradeAfterAnError(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		change func(*v1alpha1.WhatsAppWebhook)
		client func(oneResource) client.Client
	}{
		"invalid spec": {change: func(w *v1alpha1.WhatsAppWebhook) {
			w.Spec.Receiver.PodTemplatePatch = &runtime.RawExtension{Raw: []byte(`{"$retainKeys":[{}]}`)}
		}},
		"unreadable Deployment": {client: func(c oneResource) client.Client { return unreadable{c} }},
		"panic":                 {}, // since the reconciler knows no extensions
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			webhook := newWebhook("messaging", "sales")
			if test.change != nil {
				test.change(webhook)
			}

			cluster := oneResource{webhook: webhook, deployment: running(1)}

			var woken []types.NamespacedName

			r := &WhatsAppWebhookReconciler{
				client:     cluster,
				statuses:   newStatusCache(),
				extensions: &extensions{},
				upgrades:   newUpgrades(1, logr.Discard(), func(resource types.NamespacedName) { woken = append(woken, resource) }),
			}
			if test.client != nil {
				r.client = test.client(cluster)
				r.access = newAccess(logr.Discard())
				r.extensions.access = r.access
			}

			next := types.NamespacedName{Namespace: "messaging", Name: "support"}
			r.upgrades.loaded = true
			r.upgrades.waiting = []types.NamespacedName{client.ObjectKeyFromObject(webhook), next}

			func() {
				defer func() { _ = recover() }()

				if _, err := r.Reconcile(t.Context(), request(webhook)); err == nil {
					t.Error("no error")
				}
			}()

			if diff := cmp.Diff([]types.NamespacedName{next}, woken); diff != "" {
				t.Errorf("woken (-want +got):\n%s", diff)
			}

			if diff := cmp.Diff([]types.NamespacedName{next}, r.upgrades.waiting); diff != "" {
				t.Errorf("waiting (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRestartAfterAnUpgrade replaces the pods of a receiver again, such as by kubectl rollout restart, and they do not become
// ready. That halts the upgrade of others only if the receiver had not been ready after its own.
func TestRestartAfterAnUpgrade(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		before *appsv1.Deployment
		failed bool
	}{
		"complete":           {before: running(1)},
		"complete, and lost": {before: running(1, unready, progress("NewReplicaSetAvailable"))},
		"in progress":        {running(1, unready, progress("ReplicaSetUpdated")), true},
		"scaled to 0":        {running(0), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			resource := types.NamespacedName{Namespace: "messaging", Name: "sales"}
			u := newUpgrades(1, logr.Discard(), func(types.NamespacedName) {})

			applied := rendering{
				generation: 1,
				hash:       "0123456789abcdef",
				upgrade:    true,
			}
			test.before.Labels = map[string]string{labelRendering: applied.String()}

			applied.upgrade = false

			next, ok := u.begin(resource, applied, test.before)
			if !ok {
				t.Fatal("it waits for a slot")
			}

			restarted := running(1, unready, progress("ProgressDeadlineExceeded"))
			restarted.Labels = map[string]string{labelRendering: next.String()}

			if failed := u.update(resource, restarted); failed != test.failed {
				t.Errorf("failed upgrade: %t; want %t", failed, test.failed)
			}
		})
	}
}

// unreadable is a cluster whose Deployments cannot be read.
type unreadable struct{ oneResource }

// Get implements client.Reader.
func (u unreadable) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if _, ok := object.(*appsv1.Deployment); ok {
		return errTimeout
	}

	return u.oneResource.Get(ctx, key, object, options...)
}

// TestPanicOfRendering renders a resource that is nil, at which every builder panics.
func TestPanicOfRendering(t *testing.T) {
	t.Parallel()

	_, _, err := render(t.Context(), nil, testEnvironment)
	if err == nil || !strings.Contains(err.Error(), "a fault of the operator") {
		t.Errorf("error %v; want one that names the operator", err)
	}
}
