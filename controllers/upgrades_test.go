// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"testing"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
func (c oneResource) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	switch object := object.(type) {
	case *v1alpha1.WhatsAppWebhook:
		c.webhook.DeepCopyInto(object)
	case *appsv1.Deployment:
		c.deployment.DeepCopyInto(object)
	}

	return nil
}

// List implements client.Reader.
func (c oneResource) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*v1alpha1.WhatsAppWebhookList).Items = []v1alpha1.WhatsAppWebhook{*c.webhook}

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
