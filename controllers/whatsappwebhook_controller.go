// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers reconciles WhatsAppWebhooks: it renders the objects of each, applies them, prunes what is not
// wanted any more, and reports in the status what became of it.
package controllers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"
	appsv1 "k8s.io/api/apps/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/poller"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

const (
	// conflictRetry is how often a name that is taken is looked at again: objects of others are not watched.
	conflictRetry = 30 * time.Second
	// lookForExtensions is how soon an optional API that is installed later is taken up.
	lookForExtensions = 30 * time.Second
)

// Rights on Secrets are missing on purpose: pods mount them, and the operator cannot read them. Claims cannot be
// deleted: they go with the resource, by garbage collection.
//
// +kubebuilder:rbac:groups=whatsapp.wawebhook.dev,resources=whatsappwebhooks,verbs=get;list;watch
// +kubebuilder:rbac:groups=whatsapp.wawebhook.dev,resources=whatsappwebhooks/status,verbs=patch
// +kubebuilder:rbac:groups=whatsapp.wawebhook.dev,resources=whatsappwebhooks/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=configmaps;serviceaccounts;services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses;networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=keda.sh,resources=scaledobjects,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=prometheusrules;servicemonitors,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=get;list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// WhatsAppWebhookReconciler makes a cluster what the WhatsAppWebhooks in it ask for.
type WhatsAppWebhookReconciler struct {
	client        client.Client
	applier       *apply.Applier
	extensions    *extensions
	poller        *poller.Poller
	events        events.EventRecorder
	environment   resources.Environment
	statuses      *statuses
	wakeUps       *wakeUps
	conflictRetry time.Duration
}

// Options are what a reconciler is told of its surroundings.
type Options struct {
	// Environment is what objects are rendered with.
	resources.Environment
	// Transport reaches receivers by their pods' addresses; nil does so directly.
	Transport http.RoundTripper
}

// NewWhatsAppWebhookReconciler returns a reconciler that uses the manager's client.
func NewWhatsAppWebhookReconciler(mgr ctrl.Manager, o Options) (*WhatsAppWebhookReconciler, error) {
	api, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("make a discovery client: %w", err)
	}

	r := &WhatsAppWebhookReconciler{
		client:        mgr.GetClient(),
		events:        mgr.GetEventRecorder("whatsapp-webhook-operator"),
		environment:   o.Environment,
		statuses:      newStatuses(),
		wakeUps:       &wakeUps{},
		conflictRetry: conflictRetry,
	}

	var whole []schema.GroupVersionKind
	for _, kind := range kinds() {
		if kind.typed {
			whole = append(whole, kind.GroupVersionKind)
		}
	}

	r.applier = apply.New(mgr.GetClient(), mgr.GetAPIReader(), whole...)
	r.extensions = &extensions{
		discovery: api,
		log:       mgr.GetLogger().WithName("extensions"),
		every:     lookForExtensions,
		served:    map[schema.GroupVersionKind]bool{},
	}
	r.poller = poller.NewPoller(resources.PortAdmin, o.Transport, clockwork.NewRealClock(), r.wakeUps.wake)

	return r, nil
}

// Reconcile brings one resource closer to what it asks for.
func (r *WhatsAppWebhookReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	webhook := &v1alpha1.WhatsAppWebhook{}
	if err := r.client.Get(ctx, req.NamespacedName, webhook); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(req.NamespacedName)
			return ctrl.Result{}, nil
		}

		return ctrl.Result{}, fmt.Errorf("get WhatsAppWebhook: %w", err)
	}

	if !webhook.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // its objects go with it, by garbage collection
	}

	r.statuses.recall(webhook)

	params, err := resources.NewParams(webhook, r.environment)
	if err != nil {
		return ctrl.Result{}, r.refuse(ctx, webhook, err)
	}

	rendered := resources.Render(params)
	served, wanted, missing := r.extensions.split(rendered)
	seen := r.apply(ctx, webhook, served)
	seen.wanted = wanted

	seen.missing = missing
	if err := r.applier.Prune(ctx, webhook, r.prunedKinds(), rendered); err != nil {
		seen.failures = append(seen.failures, newFailure("deleting what is not wanted any more", err))
	}

	if seen.reported, err = r.ask(ctx, webhook); err != nil {
		seen.failures = append(seen.failures, newFailure("finding the receiver's pods", err))
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
		live, err := r.applyOne(ctx, webhook, object)
		if err != nil {
			seen.failures = append(seen.failures, newFailure(fmt.Sprintf("%s %s", *object.GetKind(), *object.GetName()), err))
		}

		switch live := live.(type) {
		case *appsv1.Deployment:
			seen.deployment = live
		case *networkingv1.Ingress:
			seen.ingress = live
		case *gatewayv1.HTTPRoute:
			seen.route = live
		}
	}

	return seen
}

// applyOne hands replicas over before they are given up.
func (r *WhatsAppWebhookReconciler) applyOne(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook, object resources.Object) (client.Object, error) {
	if *object.GetKind() == "Deployment" && webhook.Spec.Receiver.Autoscaling.MaxReplicas > 0 {
		if err := r.applier.HandOverReplicas(ctx, client.ObjectKey{Namespace: webhook.Namespace, Name: *object.GetName()}); err != nil {
			return nil, err
		}
	}

	return r.applier.Apply(ctx, webhook, object)
}

func (r *WhatsAppWebhookReconciler) prunedKinds() []schema.GroupVersionKind {
	var pruned []schema.GroupVersionKind
	for _, kind := range r.extensions.kinds() {
		if !kind.retained {
			pruned = append(pruned, kind.GroupVersionKind)
		}
	}

	return pruned
}

// ask finds the pods by the slices of the headless Service, which lists also those that are not ready, and returns what
// they last said.
func (r *WhatsAppWebhookReconciler) ask(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) (poller.Summary, error) {
	slices := &discoveryv1.EndpointSliceList{}
	if err := r.client.List(ctx, slices, client.InNamespace(webhook.Namespace), client.MatchingLabels{
		discoveryv1.LabelServiceName: resources.AdminServiceName(webhook.Name),
	}); err != nil {
		return poller.Summary{}, fmt.Errorf("list EndpointSlices: %w", err)
	}

	var addresses []string
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			if terminating := endpoint.Conditions.Terminating; len(endpoint.Addresses) > 0 && (terminating == nil || !*terminating) {
				addresses = append(addresses, endpoint.Addresses[0])
			}
		}
	}

	return r.poller.Track(client.ObjectKeyFromObject(webhook), addresses), nil
}

// refuse reports a spec that nothing can be rendered from. Trying again is of no use before it changes.
func (r *WhatsAppWebhookReconciler) refuse(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook, cause error) error {
	if err := r.report(ctx, webhook, invalidStatus(webhook, cause)); err != nil {
		return fmt.Errorf("patch status: %w", err)
	}

	return reconcile.TerminalError(fmt.Errorf("render: %w", cause))
}

// report writes the status if it says anything new, and records an event for each change that is news.
func (r *WhatsAppWebhookReconciler) report(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook, status v1alpha1.WhatsAppWebhookStatus) error {
	if equality.Semantic.DeepEqual(webhook.Status, status) {
		return nil
	}

	before := webhook.DeepCopy()

	webhook.Status = status
	if err := r.client.Status().Patch(ctx, webhook, client.MergeFrom(before)); err != nil {
		return client.IgnoreNotFound(err)
	}

	r.statuses.remember(webhook)

	for _, event := range transitions(before.Status, status) {
		r.events.Eventf(webhook, nil, event.kind, event.reason, "Reconcile", "%s", event.note)
	}

	return nil
}

func (r *WhatsAppWebhookReconciler) forget(resource types.NamespacedName) {
	r.applier.Forget(resource)
	r.poller.Forget(resource)
	r.statuses.forget(resource)
}
