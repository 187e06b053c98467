// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// concurrentReconciles is for many resources at once, as after a restart: a reconciliation mostly waits on the API server.
const concurrentReconciles = 8

// SetupWithManager registers the reconciler: what wakes it, and the indexes it lists by.
func (r *WhatsAppWebhookReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	b := ctrl.NewControllerManagedBy(mgr).
		// Its own writes to the status wake it no more.
		For(&v1alpha1.WhatsAppWebhook{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrentReconciles})
	for _, kind := range append(prunedKinds(), keptKinds()...) {
		// Drift and status both count; only a resync that brings nothing new does not.
		b.Owns(kind, builder.WithPredicates(predicate.ResourceVersionChangedPredicate{}))
		if err := mgr.GetFieldIndexer().IndexField(ctx, kind, apply.OwnerIndex, apply.IndexOwner); err != nil {
			return fmt.Errorf("index %T by owner: %w", kind, err)
		}
	}
	if err := b.Complete(r); err != nil {
		return fmt.Errorf("set up the WhatsAppWebhook controller: %w", err)
	}
	return nil
}

// CacheByObject keeps the manager's cache to objects of the operator, whatever else a cluster is full of.
func CacheByObject() map[client.Object]cache.ByObject {
	byObject := map[client.Object]cache.ByObject{}
	for _, kind := range append(prunedKinds(), keptKinds()...) {
		byObject[kind] = cache.ByObject{Label: resources.Managed()}
	}
	return byObject
}

// prunedKinds are the kinds of objects that are deleted when they are not rendered any more.
func prunedKinds() []client.Object {
	return []client.Object{
		&corev1.ServiceAccount{},
		&corev1.ConfigMap{},
		&appsv1.Deployment{},
		&corev1.Service{},
		&networkingv1.Ingress{},
	}
}

// keptKinds are the kinds of objects that hold data: they go only when their resource goes.
func keptKinds() []client.Object {
	return []client.Object{&corev1.PersistentVolumeClaim{}}
}
