// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	crevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
)

// concurrentReconciles allows for many resources at once, as after a restart: a reconciliation mostly waits for the API
// server.
const concurrentReconciles = 8

// SetupWithManager registers the reconciler with its watches, and the discovery and polling that run beside it.
func (r *WhatsAppWebhookReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	served, err := r.extensions.discover(ctx)
	if err != nil {
		return err
	}

	r.extensions.record(served)

	c, err := r.newController(mgr)
	if err != nil {
		return fmt.Errorf("set up the WhatsAppWebhook controller: %w", err)
	}

	indexer := mgr.GetFieldIndexer()
	if err := errors.Join(
		indexer.IndexField(ctx, &v1alpha1.WhatsAppWebhook{}, serviceIndex, indexService),
		indexer.IndexField(ctx, &v1alpha1.WhatsAppWebhook{}, selectorIndex, indexSelector),
		indexer.IndexField(ctx, &v1alpha1.WhatsAppWebhook{}, claimIndex, indexClaim),
	); err != nil {
		return fmt.Errorf("index WhatsAppWebhooks: %w", err)
	}

	if r.all, err = r.cache.allResources(ctx, mgr); err != nil {
		return fmt.Errorf("read the WhatsAppWebhooks of other operators: %w", err)
	}

	for _, kind := range r.extensions.servedKinds() {
		if _, err := r.watch(ctx, mgr, c, kind); err != nil {
			return err
		}
	}

	r.access.changed = r.enqueueAll
	r.extensions.changed = func(ctx context.Context, change apiChange) error {
		return r.syncOptionalAPIs(ctx, mgr, c, change)
	}

	if err := errors.Join(mgr.Add(r.extensions), mgr.Add(r.access), mgr.Add(r.poller)); err != nil {
		return fmt.Errorf("add discovery, rights and polling to the manager: %w", err)
	}

	return nil
}

// newController returns the controller with the watches of resources, EndpointSlices and pods.
func (r *WhatsAppWebhookReconciler) newController(mgr ctrl.Manager) (controller.Controller, error) {
	return ctrl.NewControllerManagedBy(mgr).
		// The reconciler's own status writes do not trigger it.
		For(&v1alpha1.WhatsAppWebhook{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(
			&v1alpha1.WhatsAppWebhook{},
			handler.EnqueueRequestsFromMapFunc(r.requested),
			builder.WithPredicates(predicate.Funcs{UpdateFunc: isRequested}),
		).
		Watches(
			&discoveryv1.EndpointSlice{},
			handler.EnqueueRequestsFromMapFunc(r.ownersOfSlice),
			builder.WithPredicates(predicate.ResourceVersionChangedPredicate{}),
		).
		Watches(
			&corev1.Pod{},
			handler.EnqueueRequestsFromMapFunc(r.ownersOfPod),
			builder.WithPredicates(predicate.ResourceVersionChangedPredicate{}),
		).
		WatchesRawSource(r.requests).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrentReconciles,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](minBackoff, maxBackoff),
		}).
		Build(r)
}

// watch triggers the reconciler on changes of the objects of a kind, and indexes them by their owner. Changes before the
// returned source has synced may go unnoticed.
func (r *WhatsAppWebhookReconciler) watch(
	ctx context.Context,
	mgr ctrl.Manager,
	c controller.Controller,
	k kind,
) (source.SyncingSource, error) {
	object, err := r.applier.Prototype(k.GroupVersionKind)
	if err != nil {
		return nil, fmt.Errorf("watch each %s: %w", k.Kind, err)
	}

	if err := mgr.GetFieldIndexer().IndexField(ctx, object, apply.OwnerIndex, apply.IndexOwner); err != nil {
		return nil, fmt.Errorf("index each %s by owner: %w", k.Kind, err)
	}

	owner := handler.EnqueueRequestForOwner(
		mgr.GetScheme(),
		mgr.GetRESTMapper(),
		&v1alpha1.WhatsAppWebhook{},
		handler.OnlyControllerOwner(),
	)

	// Drift and status changes both trigger; a resync without a change and the operator's own writes do not.
	watched := source.Kind(mgr.GetCache(), object, owner, predicate.ResourceVersionChangedPredicate{}, r.externalChanges(k, controllerOf))
	if err := c.Watch(watched); err != nil {
		return nil, fmt.Errorf("watch each %s: %w", k.Kind, err)
	}

	if !k.retained {
		return watched, nil
	}

	// An object that stays when its resource is deleted has no owner.
	users := source.Kind(
		mgr.GetCache(),
		object,
		handler.EnqueueRequestsFromMapFunc(r.usersOfClaim),
		predicate.ResourceVersionChangedPredicate{},
		r.externalChanges(k, func(claim client.Object) []reconcile.Request { return r.usersOfClaim(ctx, claim) }),
	)
	if err := c.Watch(users); err != nil {
		return nil, fmt.Errorf("watch each %s: %w", k.Kind, err)
	}

	return watched, nil
}

// externalChanges returns a predicate that drops what the operator itself applied to objects of a kind, as the watch returns it.
func (r *WhatsAppWebhookReconciler) externalChanges(k kind, ownersOf func(client.Object) []reconcile.Request) predicate.Predicate {
	isExternal := func(object client.Object) bool {
		owners := ownersOf(object)

		return len(owners) == 0 || slices.ContainsFunc(owners, func(owner reconcile.Request) bool {
			return r.applier.IsExternalChange(owner.NamespacedName, k.Kind, object)
		})
	}

	return predicate.Funcs{
		CreateFunc: func(created crevent.CreateEvent) bool { return isExternal(created.Object) },
		UpdateFunc: func(update crevent.UpdateEvent) bool { return isExternal(update.ObjectNew) },
	}
}

// controllerOf returns a request for the resource that controls an object, if one does.
func controllerOf(object client.Object) []reconcile.Request {
	controller := metav1.GetControllerOfNoCopy(object)
	if controller == nil {
		return nil
	}

	return []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: object.GetNamespace(), Name: controller.Name}}}
}

// syncOptionalAPIs starts the watches of added kinds, stops those of removed kinds, and reconciles every resource, also after
// an error.
func (r *WhatsAppWebhookReconciler) syncOptionalAPIs(
	ctx context.Context,
	mgr ctrl.Manager,
	c controller.Controller,
	change apiChange,
) error {
	// Before the informers of removed kinds stop, so that nothing reads from them.
	r.extensions.record(apiChange{removed: change.removed, openShift: change.openShift})

	var errs []error

	for _, k := range change.removed {
		object, err := r.applier.Prototype(k.GroupVersionKind)
		if err == nil {
			err = mgr.GetCache().RemoveInformer(ctx, object)
		}

		if err != nil {
			errs = append(errs, fmt.Errorf("stop the watch of each %s: %w", k.Kind, err))
		}
	}

	for _, k := range change.added {
		if err := r.watchAdded(ctx, mgr, c, k); err != nil {
			errs = append(errs, err)
			continue
		}

		r.extensions.record(apiChange{added: []kind{k}})
	}

	return errors.Join(append(errs, r.enqueueAll(ctx, metav1.NamespaceAll))...)
}

// watchAdded starts the watch of a kind that appeared, and waits for its objects. After an error it stops the watch, so that
// the next discovery can start another.
func (r *WhatsAppWebhookReconciler) watchAdded(ctx context.Context, mgr ctrl.Manager, c controller.Controller, k kind) error {
	watched, err := r.watch(ctx, mgr, c, k)
	if err == nil {
		err = watched.WaitForSync(ctx)
	}

	if err == nil {
		return nil
	}

	object, prototypeErr := r.applier.Prototype(k.GroupVersionKind)
	if prototypeErr == nil {
		prototypeErr = mgr.GetCache().RemoveInformer(ctx, object)
	}

	return errors.Join(fmt.Errorf("watch each %s: %w", k.Kind, err), prototypeErr)
}

// enqueueAll requests a reconciliation of every resource in the namespace.
func (r *WhatsAppWebhookReconciler) enqueueAll(ctx context.Context, namespace string) error {
	webhooks := &v1alpha1.WhatsAppWebhookList{}
	if err := r.client.List(ctx, webhooks, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("list WhatsAppWebhooks: %w", err)
	}

	for i := range webhooks.Items {
		r.requests.enqueue(client.ObjectKeyFromObject(&webhooks.Items[i]))
	}

	return nil
}

// RequestedAtAnnotation requests a reconciliation, and reports of the receivers, whenever its value changes. Tools of Flux
// know it.
const RequestedAtAnnotation = "reconcile.fluxcd.io/requestedAt"

func isRequested(update crevent.UpdateEvent) bool {
	before := update.ObjectOld.GetAnnotations()[RequestedAtAnnotation]

	return before != update.ObjectNew.GetAnnotations()[RequestedAtAnnotation]
}

// requested returns a request for the resource, and has the poller query its receivers soon.
func (r *WhatsAppWebhookReconciler) requested(_ context.Context, webhook client.Object) []reconcile.Request {
	key := client.ObjectKeyFromObject(webhook)
	r.poller.Refresh(key)

	return []reconcile.Request{{NamespacedName: key}}
}
