// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// holdBack reports whether the objects of the resource are not applied: the resource is suspended, or its receiver waits for a
// slot of an upgrade. Otherwise it records the rendering in the Deployment.
func (r *WhatsAppWebhookReconciler) holdBack(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	rendered []resources.Object,
	seen *observation,
) (bool, error) {
	resource := client.ObjectKeyFromObject(webhook)

	if webhook.Spec.Suspend {
		seen.suspended = true

		r.upgrades.update(resource, nil)

		return true, nil
	}

	live, err := ownedDeployment(ctx, r.client, webhook)
	if err != nil {
		return false, err
	}

	next, deployment, err := newRendering(webhook, rendered)
	if err != nil {
		return false, err
	}

	next, ok := r.upgrades.begin(resource, next, live)
	if !ok {
		seen.upgrade = r.upgrades.explain(resource)

		return true, nil
	}

	deployment.WithLabels(map[string]string{labelRendering: next.String()})

	return false, nil
}

// observe reads the objects whose state the status reports, and writes nothing.
func (r *WhatsAppWebhookReconciler) observe(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	available []resources.Object,
	seen *observation,
) {
	for _, object := range available {
		live, err := r.applier.Observe(ctx, webhook, object)

		switch {
		case err != nil:
			seen.fail("reading "+*object.GetKind()+" "+*object.GetName(), err)
		case live != nil:
			seen.record(live)
		}
	}
}

// restore reads the objects of a resource that waits for its upgrade, and creates the missing ones as this version renders them: a
// receiver without a Service gets no deliveries. A missing Deployment ends the wait, and a missing claim ends it with the pod.
func (r *WhatsAppWebhookReconciler) restore(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	params resources.Params,
	available []resources.Object,
	seen *observation,
) {
	p := r.get(ctx, webhook, params, available, seen)

	for _, object := range available {
		reference := resources.ReferenceTo(object)
		if p.failed(reference) {
			continue
		}

		target := p.targets[reference]
		if target.Live != nil || reference.Kind == "Deployment" || reference.Kind == "PersistentVolumeClaim" {
			seen.record(target.Live)

			continue
		}

		if _, held := p.held(reference); held {
			continue
		}

		live, err := r.create(ctx, target)
		if err != nil {
			p.failures[reference] = seen.fail(reference.String(), err)
		}

		seen.record(live)
	}
}

// create creates the object of a target. If the cache lacks an object that exists, it stays as it is.
func (r *WhatsAppWebhookReconciler) create(ctx context.Context, target *apply.Target) (client.Object, error) {
	live, err := r.applier.Apply(ctx, target)
	if !errors.Is(err, apply.ErrExists) {
		return live, err
	}

	found, err := r.applier.GetLive(ctx, target)
	if err != nil {
		return nil, err
	}

	return found.Live, nil
}

// trackUpgrade frees the slot of an upgraded receiver once it is ready, and reports it if it does not become so.
func (r *WhatsAppWebhookReconciler) trackUpgrade(webhook *v1alpha1.WhatsAppWebhook, seen *observation) {
	resource := client.ObjectKeyFromObject(webhook)
	if r.upgrades.update(resource, seen.deployment) {
		r.events.Eventf(webhook, nil, corev1.EventTypeWarning, v1alpha1.ReasonProgressDeadlineExceeded, "Upgrade",
			"the receiver did not become ready after an upgrade of the operator; upgrades of other receivers wait for it")
	}

	seen.upgrade = r.upgrades.explain(resource)
}

// releaseUpgrade leaves the queue of upgrades and the slot to others after a reconciliation that did not track the upgrade.
// A receiver that an upgrade is replacing keeps its slot.
func (r *WhatsAppWebhookReconciler) releaseUpgrade(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) {
	live, err := ownedDeployment(ctx, r.client, webhook)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "reading the Deployment failed, so another receiver may be upgraded at the same time")
	}

	r.upgrades.update(client.ObjectKeyFromObject(webhook), live)
}
