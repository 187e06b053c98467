// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// concurrentReconciles is for many resources at once, as after a restart: a reconciliation mostly waits on the API server.
const concurrentReconciles = 8

// SetupWithManager registers the reconciler: what wakes it, and what runs beside it.
func (r *WhatsAppWebhookReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	came, _, err := r.extensions.look()
	if err != nil {
		return err
	}

	r.extensions.note(came, nil)

	c, err := ctrl.NewControllerManagedBy(mgr).
		// Its own writes to the status wake it no more.
		For(&v1alpha1.WhatsAppWebhook{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&discoveryv1.EndpointSlice{}, handler.EnqueueRequestsFromMapFunc(r.ownersOfSlice), builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})).
		WatchesRawSource(r.wakeUps).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrentReconciles}).
		Build(r)
	if err != nil {
		return fmt.Errorf("set up the WhatsAppWebhook controller: %w", err)
	}

	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.WhatsAppWebhook{}, serviceIndex, indexService); err != nil {
		return fmt.Errorf("index WhatsAppWebhooks by Service: %w", err)
	}

	for _, kind := range r.extensions.kinds() {
		if _, err := r.watch(ctx, mgr, c, kind); err != nil {
			return err
		}
	}

	r.extensions.changed = func(ctx context.Context, came, gone []kind) error {
		return r.follow(ctx, mgr, c, came, gone)
	}
	if err := errors.Join(mgr.Add(r.extensions), mgr.Add(r.poller)); err != nil {
		return fmt.Errorf("set up what runs beside the WhatsAppWebhook controller: %w", err)
	}

	return nil
}

// watch wakes the reconciler for what becomes of a resource's objects of that kind, and indexes them by their owner. What
// becomes of them before the source it returns has synced may go unnoticed.
func (r *WhatsAppWebhookReconciler) watch(ctx context.Context, mgr ctrl.Manager, c controller.Controller, k kind) (source.SyncingSource, error) {
	object, err := r.applier.Prototype(k.GroupVersionKind)
	if err != nil {
		return nil, fmt.Errorf("watch each %s: %w", k.Kind, err)
	}

	if err := mgr.GetFieldIndexer().IndexField(ctx, object, apply.OwnerIndex, apply.IndexOwner); err != nil {
		return nil, fmt.Errorf("index each %s by owner: %w", k.Kind, err)
	}

	owner := handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &v1alpha1.WhatsAppWebhook{}, handler.OnlyControllerOwner())
	// Drift and status both count; only a resync that brings nothing new does not.
	watched := source.Kind(mgr.GetCache(), object, owner, predicate.ResourceVersionChangedPredicate{})
	if err := c.Watch(watched); err != nil {
		return nil, fmt.Errorf("watch each %s: %w", k.Kind, err)
	}

	return watched, nil
}

// follow takes up optional APIs that came, and drops those that went, for every resource.
func (r *WhatsAppWebhookReconciler) follow(ctx context.Context, mgr ctrl.Manager, c controller.Controller, came, gone []kind) error {
	r.extensions.note(nil, gone) // before its informer goes, so that nobody reads from it any more

	for _, k := range gone {
		object, err := r.applier.Prototype(k.GroupVersionKind)
		if err != nil {
			return err
		}

		if err := mgr.GetCache().RemoveInformer(ctx, object); err != nil {
			return fmt.Errorf("end the watch of each %s: %w", k.Kind, err)
		}
	}

	for _, k := range came {
		watched, err := r.watch(ctx, mgr, c, k)
		if err != nil {
			return err
		}

		if err := watched.WaitForSync(ctx); err != nil {
			return fmt.Errorf("watch each %s: %w", k.Kind, err)
		}
	}

	r.extensions.note(came, nil)

	webhooks := &v1alpha1.WhatsAppWebhookList{}
	if err := r.client.List(ctx, webhooks); err != nil {
		return fmt.Errorf("list WhatsAppWebhooks: %w", err)
	}

	for i := range webhooks.Items {
		r.wakeUps.wake(client.ObjectKeyFromObject(&webhooks.Items[i]))
	}

	return nil
}

// ownersOfSlice finds the resource whose pods a slice lists, and has them asked anew: one has come, gone, or changed its
// readiness.
func (r *WhatsAppWebhookReconciler) ownersOfSlice(ctx context.Context, slice client.Object) []reconcile.Request {
	webhooks := &v1alpha1.WhatsAppWebhookList{}

	service := slice.GetLabels()[discoveryv1.LabelServiceName]
	if err := r.client.List(ctx, webhooks, client.InNamespace(slice.GetNamespace()), client.MatchingFields{serviceIndex: service}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "the resource of an EndpointSlice is not known; its status is late")
		return nil
	}

	var requests []reconcile.Request
	for i := range webhooks.Items {
		key := client.ObjectKeyFromObject(&webhooks.Items[i])
		r.poller.Refresh(key)
		requests = append(requests, reconcile.Request{NamespacedName: key})
	}

	return requests
}

// serviceIndex finds resources by the name of the Service that makes their pods findable.
const serviceIndex = "adminService"

func indexService(webhook client.Object) []string {
	return []string{resources.AdminServiceName(webhook.GetName())}
}

// wakeUps is a source of requests from within: something about a resource has changed that no watch tells of.
type wakeUps struct {
	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// Start implements source.Source.
func (w *wakeUps) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.queue = queue

	return nil
}

// wake does nothing before the start, when every resource is about to be reconciled anyway.
func (w *wakeUps) wake(resource types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()

	if w.queue != nil {
		w.queue.Add(reconcile.Request{NamespacedName: resource})
	}
}
