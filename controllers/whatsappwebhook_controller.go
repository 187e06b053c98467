// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers reconciles WhatsAppWebhooks: it renders the objects of each, applies them, prunes those no longer
// rendered, and reports the result in the status.
package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/poller"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// discoveryInterval is how soon the operator notices an optional API that is installed later.
const discoveryInterval = 30 * time.Second

// There are no rights on Secrets by design: pods mount them, and the operator cannot read them. It cannot delete claims
// either: garbage collection deletes them with the resource.
//
// +kubebuilder:rbac:groups=whatsapp.wawebhook.dev,resources=whatsappwebhooks,verbs=get;list;watch
// +kubebuilder:rbac:groups=whatsapp.wawebhook.dev,resources=whatsappwebhooks/status,verbs=patch
// +kubebuilder:rbac:groups=whatsapp.wawebhook.dev,resources=whatsappwebhooks/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
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

// WhatsAppWebhookReconciler creates and updates the objects of each WhatsAppWebhook.
type WhatsAppWebhookReconciler struct {
	client      client.Client
	live        client.Reader // without a cache
	cache       *Cache
	all         client.Reader // of the resources, including those of other operators
	applier     *apply.Applier
	access      *access
	extensions  *extensions
	poller      *poller.Poller
	events      events.EventRecorder
	environment resources.Environment
	statuses    *statusCache
	requests    *requestSource
	upgrades    *upgrades
	metrics     *metrics
	retries     map[retryClass]retryInterval
}

// Options configure a reconciler.
type Options struct {
	// Environment holds the settings of the operator that objects are rendered with.
	resources.Environment
	// Cache is the cache of the manager.
	Cache *Cache
	// DisabledKinds are optional kinds that the operator does not use, although the cluster serves them. See OptionalKinds.
	DisabledKinds []string
	// MaxConcurrentUpgrades is how many receivers an upgrade of the operator replaces at the same time, or 0 for no limit.
	MaxConcurrentUpgrades int
	// Transport connects to receivers by the addresses of their pods. Defaults to a direct connection.
	Transport http.RoundTripper
}

// NewWhatsAppWebhookReconciler returns a reconciler that uses the manager's client.
func NewWhatsAppWebhookReconciler(mgr ctrl.Manager, o Options) (*WhatsAppWebhookReconciler, error) {
	api, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("create a discovery client: %w", err)
	}

	r := &WhatsAppWebhookReconciler{
		client:      mgr.GetClient(),
		live:        mgr.GetAPIReader(),
		events:      mgr.GetEventRecorder("whatsapp-webhook-operator"),
		cache:       o.Cache,
		access:      o.Cache.access,
		environment: o.Environment,
		statuses:    newStatusCache(),
		requests:    &requestSource{},
		retries:     defaultRetries,
	}

	r.applier = apply.New(mgr.GetClient(), mgr.GetAPIReader(), clockwork.NewRealClock(), typedKinds()...)
	r.applier.OnExternalChange(r.requests.enqueue)
	r.extensions = &extensions{
		discovery: api,
		access:    o.Cache.access,
		log:       mgr.GetLogger().WithName("extensions"),
		every:     discoveryInterval,
		disabled:  o.DisabledKinds,
		served:    map[schema.GroupVersionKind]bool{},
	}
	r.upgrades = newUpgrades(o.MaxConcurrentUpgrades, mgr.GetLogger().WithName("upgrades"), r.requests.enqueue)
	r.metrics = newMetrics(r.upgrades, r.access)
	r.poller = poller.NewPoller(resources.PortAdmin, o.Transport, clockwork.NewRealClock(), r.requests.enqueue)

	return r, nil
}

// Reconcile applies the objects of one resource and reports the result in its status.
func (r *WhatsAppWebhookReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	// Before any report of an upgrade: a report that comes first would be undone by what load finds.
	if err := r.upgrades.load(ctx, r.client); err != nil {
		return ctrl.Result{}, err
	}

	webhook := &v1alpha1.WhatsAppWebhook{}
	if err := r.client.Get(ctx, req.NamespacedName, webhook); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(req.NamespacedName)

			return ctrl.Result{}, nil
		}

		return ctrl.Result{}, fmt.Errorf("get WhatsAppWebhook: %w", err)
	}

	if !webhook.DeletionTimestamp.IsZero() {
		r.upgrades.update(req.NamespacedName, nil)

		return ctrl.Result{}, nil // garbage collection deletes its objects
	}

	r.statuses.refresh(webhook)

	params, rendered, err := render(ctx, webhook, r.renderingEnvironment())
	if err != nil {
		// It may have been woken to take a free slot, which it leaves to the next.
		r.upgrades.update(req.NamespacedName, nil)

		return ctrl.Result{}, r.reportInvalid(ctx, webhook, err)
	}

	return r.reconcile(ctx, webhook, params, rendered)
}

// reconcile applies the rendered objects of a resource, unless they are held back, and writes its status.
func (r *WhatsAppWebhookReconciler) reconcile(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	params resources.Params,
	rendered []resources.Object,
) (ctrl.Result, error) {
	tracked := false

	defer func() {
		if !tracked { // an error ended it, or a panic, from which the controller recovers
			r.releaseUpgrade(ctx, webhook)
		}
	}()

	var seen observation

	available := r.available(webhook, rendered, &seen)

	held, err := r.holdBack(ctx, webhook, rendered, &seen)
	if err != nil {
		return ctrl.Result{}, err
	}

	var p *plan

	switch {
	case seen.suspended:
		r.observe(ctx, webhook, available, &seen)
	case held:
		r.restore(ctx, webhook, params, available, &seen)
	default:
		p = r.get(ctx, webhook, params, available, &seen)
		r.checkClaims(ctx, webhook, p, &seen)
		r.apply(ctx, p, &seen)
		r.prune(ctx, webhook, rendered, &seen)
		r.trackUpgrade(webhook, &seen)
	}

	tracked = true

	r.trackReceivers(ctx, webhook, p, &seen)

	if err := r.patchStatus(ctx, webhook, newStatus(webhook, seen)); err != nil {
		return ctrl.Result{}, err
	}

	return seen.failures.result(r.retries, failingFor(webhook))
}

// reportInvalid reports a spec that cannot be rendered, and the state of the receivers, which keep running. It returns no
// error for a fault of the spec: a retry before the spec changes is of no use, and the alert about failed reconciliations is
// for faults of the operator.
func (r *WhatsAppWebhookReconciler) reportInvalid(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook, cause error) error {
	deployment, err := ownedDeployment(ctx, r.client, webhook)
	if err != nil {
		return fmt.Errorf("read the Deployment: %w", err)
	}

	seen := observation{deployment: deployment, suspended: webhook.Spec.Suspend}
	r.trackReceivers(ctx, webhook, nil, &seen)

	status := invalidStatus(webhook, seen, cause)
	before := meta.FindStatusCondition(webhook.Status.Conditions, v1alpha1.ConditionReady)

	after := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if before == nil || before.Message != after.Message {
		ctrl.LoggerFrom(ctx).Info("the spec is invalid", "cause", cause.Error())
	}

	if err := r.patchStatus(ctx, webhook, status); err != nil {
		return err
	}

	if errors.Is(cause, errRenderingPanicked) {
		return reconcile.TerminalError(cause)
	}

	return nil
}

// patchStatus writes the status if it has changed, and records an event for each transition a person should know of.
func (r *WhatsAppWebhookReconciler) patchStatus(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	status v1alpha1.WhatsAppWebhookStatus,
) error {
	r.metrics.setConditions(client.ObjectKeyFromObject(webhook), status.DeepCopy().Conditions)

	if equality.Semantic.DeepEqual(webhook.Status, status) {
		return nil
	}

	before := webhook.DeepCopy()
	webhook.Status = status

	err := r.client.Status().Patch(ctx, webhook, client.MergeFrom(before))
	if apierrors.IsNotFound(err) {
		return nil
	}

	if err != nil {
		return fmt.Errorf("patch status: %w", err)
	}

	r.statuses.put(webhook)

	for _, event := range transitions(before.Status, status) {
		r.events.Eventf(webhook, nil, event.kind, event.reason, "Reconcile", "%s", event.note)
	}

	return nil
}

// forget drops the state of a deleted resource.
func (r *WhatsAppWebhookReconciler) forget(resource types.NamespacedName) {
	r.applier.Forget(resource)
	r.poller.Forget(resource)
	r.statuses.remove(resource)
	r.upgrades.update(resource, nil)
	r.metrics.forget(resource)
}

// Metrics returns the operator's own metrics, for a registry.
func (r *WhatsAppWebhookReconciler) Metrics() prometheus.Collector { return r.metrics }
