// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"sync"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// usersOfClaim returns requests for the resources that use a claim.
func (r *WhatsAppWebhookReconciler) usersOfClaim(ctx context.Context, claim client.Object) []reconcile.Request {
	return r.indexed(ctx, claim.GetNamespace(), claimIndex, claim.GetName())
}

// ownersOfSlice returns requests for the resource whose pods a slice lists, and has the poller query them soon, since a
// pod has started, ended or changed its readiness.
func (r *WhatsAppWebhookReconciler) ownersOfSlice(ctx context.Context, slice client.Object) []reconcile.Request {
	requests := r.indexed(ctx, slice.GetNamespace(), serviceIndex, slice.GetLabels()[discoveryv1.LabelServiceName])
	for _, request := range requests {
		r.poller.Refresh(request.NamespacedName)
	}

	return requests
}

// ownersOfPod returns requests for the resource of a receiver's pod.
func (r *WhatsAppWebhookReconciler) ownersOfPod(ctx context.Context, pod client.Object) []reconcile.Request {
	return r.indexed(ctx, pod.GetNamespace(), selectorIndex, resources.Instance(pod.GetLabels()))
}

// indexed returns requests for the resources of a namespace that an index has under a value.
func (r *WhatsAppWebhookReconciler) indexed(ctx context.Context, namespace, index, value string) []reconcile.Request {
	webhooks := &v1alpha1.WhatsAppWebhookList{}

	err := r.client.List(ctx, webhooks, client.InNamespace(namespace), client.MatchingFields{index: value})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "looking up a resource failed; its status update is delayed", "index", index)

		return nil
	}

	var requests []reconcile.Request
	for i := range webhooks.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&webhooks.Items[i])})
	}

	return requests
}

// The field indexes of resources: by the name of their admin Service, and by the label of their pods.
const (
	serviceIndex  = "adminService"
	selectorIndex = "selector"
)

func indexService(webhook client.Object) []string {
	return []string{resources.AdminServiceName(webhook.GetName())}
}

func indexSelector(webhook client.Object) []string {
	return []string{resources.Name(webhook.GetName())}
}

// claimIndex is the field index of resources by the name of the claim that they use.
const claimIndex = "claim"

func indexClaim(object client.Object) []string {
	webhook, ok := object.(*v1alpha1.WhatsAppWebhook)
	if !ok || resources.ClaimName(webhook) == "" {
		return nil
	}

	return []string{resources.ClaimName(webhook)}
}

// requestSource is a source of requests for changes that no watch reports.
type requestSource struct {
	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// Start implements source.Source.
func (s *requestSource) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.queue = queue

	return nil
}

// enqueue requests a reconciliation. Before the start it does nothing: every resource is about to be reconciled anyway.
func (s *requestSource) enqueue(resource types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.queue != nil {
		s.queue.Add(reconcile.Request{NamespacedName: resource})
	}
}
