// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestRequestsOfANewResource counts the requests to the API server: one for each object and one for the status, and none when
// the resource is reconciled again. It does not run beside other tests, some of which have every resource reconciled.
func TestRequestsOfANewResource(t *testing.T) {
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	testCluster.MustCreate(t, webhook)

	// The manager's cache has the status before the test reconciles: it would be written twice otherwise, since the manager's
	// own request may not have returned yet.
	apiserver.Eventually(t, func() error {
		if err := testCluster.reconciler.client.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); err != nil {
			return err
		}

		return want(webhook.Status.ObservedGeneration, webhook.Generation)
	})

	wanted := []string{
		"PATCH configmaps/sales-config",
		"PATCH deployments/sales",
		"PATCH ingresses/sales",
		"PATCH persistentvolumeclaims/sales-store",
		"PATCH serviceaccounts/sales",
		"PATCH services/sales",
		"PATCH services/sales-admin",
		"PATCH whatsappwebhooks/sales/status",
	}
	if err := want(slices.Sorted(slices.Values(testCluster.writes.all(webhook.Namespace))), wanted); err != nil {
		t.Errorf("requests for a new resource: %v", err)
	}

	// The cache may be older than the writes for a moment. Then the objects are read.
	apiserver.Eventually(t, func() error {
		before := len(testCluster.writes.all(webhook.Namespace))
		if _, err := testCluster.reconciler.Reconcile(t.Context(), request(webhook)); err != nil {
			return err
		}

		return want(len(testCluster.writes.all(webhook.Namespace)), before)
	})

	if err := want(len(testCluster.writes.in(webhook.Namespace)), len(wanted)); err != nil {
		t.Errorf("writes after the resource was reconciled again: %v", err)
	}
}

// TestObjectsThatTheCacheLacksAreNotOverwritten creates an object of another owner between the read of the cache and the first
// apply. The object stays as it is.
func TestObjectsThatTheCacheLacksAreNotOverwritten(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Suspend = true
	testCluster.MustCreate(t, webhook)

	account := rendered(t, webhook, "ServiceAccount", "sales")

	target, err := testCluster.reconciler.applier.Get(t.Context(), webhook, account)
	if err != nil || target.Live != nil {
		t.Fatalf("get: %v, %v", target, err)
	}

	foreign := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}}
	testCluster.MustCreate(t, foreign)
	before := foreign.ResourceVersion

	_, err = testCluster.reconciler.applyOne(t.Context(), account, target)
	if foreignErr := new(apply.NotOwnedError); !errors.As(err, &foreignErr) {
		t.Errorf("%v, want an object of another owner", err)
	}

	if got := apiserver.MustGet(t, testCluster.Server, foreign); got.ResourceVersion != before {
		t.Errorf("the foreign object was changed: %v", got)
	}
}
