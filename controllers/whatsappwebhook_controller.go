// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers reconciles WhatsAppWebhooks: it renders the objects of each, applies them, prunes what is not
// wanted any more, and reports in the status what became of it.
package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// conflictRetry is how often a name that is taken is looked at again: objects of others are not watched.
const conflictRetry = 30 * time.Second

// Rights on Secrets are missing on purpose: pods mount them, and the operator cannot read them. Claims cannot be
// deleted: they go with the resource, by garbage collection.
//
// +kubebuilder:rbac:groups=whatsapp.wawebhook.dev,resources=whatsappwebhooks,verbs=get;list;watch
// +kubebuilder:rbac:groups=whatsapp.wawebhook.dev,resources=whatsappwebhooks/status,verbs=patch
// +kubebuilder:rbac:groups=whatsapp.wawebhook.dev,resources=whatsappwebhooks/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=configmaps;serviceaccounts;services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// WhatsAppWebhookReconciler makes a cluster what the WhatsAppWebhooks in it ask for.
type WhatsAppWebhookReconciler struct {
	client        client.Client
	live          client.Reader
	applier       *apply.Applier
	events        events.EventRecorder
	receiverImage string
	conflictRetry time.Duration
}

// NewWhatsAppWebhookReconciler returns a reconciler that uses the manager's client. The receiver image is used for
// resources that name none.
func NewWhatsAppWebhookReconciler(mgr ctrl.Manager, receiverImage string) *WhatsAppWebhookReconciler {
	return &WhatsAppWebhookReconciler{
		client:        mgr.GetClient(),
		live:          mgr.GetAPIReader(),
		applier:       apply.New(mgr.GetClient(), mgr.GetAPIReader()),
		events:        mgr.GetEventRecorder("whatsapp-webhook-operator"),
		receiverImage: receiverImage,
		conflictRetry: conflictRetry,
	}
}

// Reconcile brings one resource closer to what it asks for.
func (r *WhatsAppWebhookReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	webhook := &v1alpha1.WhatsAppWebhook{}
	// Not from the cache: objects just made wake the reconciler before the cache has heard of the status just written,
	// and what is new in a status is judged by the one before.
	if err := r.live.Get(ctx, req.NamespacedName, webhook); err != nil {
		if apierrors.IsNotFound(err) {
			r.applier.Forget(req.NamespacedName)
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, fmt.Errorf("get WhatsAppWebhook: %w", err)
	}
	if !webhook.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // its objects go with it, by garbage collection
	}
	params, err := resources.NewParams(webhook, r.receiverImage)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("resolve what to render: %w", err)
	}
	rendered := resources.Render(params)
	seen := r.apply(ctx, webhook, rendered)
	if err := r.applier.Prune(ctx, webhook, prunedKinds(), rendered); err != nil {
		seen.failures = append(seen.failures, newFailure("deleting what is not wanted any more", err))
	}
	if err := r.report(ctx, webhook, newStatus(webhook, seen)); err != nil {
		return ctrl.Result{}, fmt.Errorf("patch status: %w", err)
	}
	return seen.failures.result(r.conflictRetry)
}

// apply goes through all objects whatever happens to one of them, and returns what it saw.
func (r *WhatsAppWebhookReconciler) apply(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook, rendered []resources.Object) observation {
	var seen observation
	for _, object := range rendered {
		live, err := r.applier.Apply(ctx, webhook, object)
		if err != nil {
			seen.failures = append(seen.failures, newFailure(fmt.Sprintf("%s %s", *object.GetKind(), *object.GetName()), err))
		}
		switch live := live.(type) {
		case *appsv1.Deployment:
			seen.deployment = live
		case *networkingv1.Ingress:
			seen.ingress = live
		}
	}
	return seen
}

// report writes the status if it says anything new, and records an event when the summary changed.
func (r *WhatsAppWebhookReconciler) report(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook, status v1alpha1.WhatsAppWebhookStatus) error {
	if equality.Semantic.DeepEqual(webhook.Status, status) {
		return nil
	}
	before := webhook.DeepCopy()
	webhook.Status = status
	if err := r.client.Status().Patch(ctx, webhook, client.MergeFrom(before)); err != nil {
		return client.IgnoreNotFound(err)
	}
	if event, ok := transition(before.Status, status); ok {
		r.events.Eventf(webhook, nil, event.kind, event.reason, "Reconcile", "%s", event.note)
	}
	return nil
}
