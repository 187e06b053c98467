// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// plan holds the objects of one resource between reading and writing them.
type plan struct {
	webhook      *v1alpha1.WhatsAppWebhook
	objects      []resources.Object
	targets      map[resources.Reference]*apply.Target
	dependencies map[resources.Reference][]resources.Reference
	failures     map[resources.Reference]failure // of objects on which no other may depend
}

// failed reports whether the object belongs to another owner or cannot be applied. No plan has no failures.
func (p *plan) failed(reference resources.Reference) bool {
	if p == nil {
		return false
	}

	_, failed := p.failures[reference]

	return failed
}

// get reads every object before one is written, and finds those of other owners that the cache has. Applying finds the
// others: an object is applied after those on which it depends.
func (r *WhatsAppWebhookReconciler) get(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	params resources.Params,
	rendered []resources.Object,
	seen *observation,
) *plan {
	p := &plan{
		webhook:      webhook,
		objects:      rendered,
		targets:      map[resources.Reference]*apply.Target{},
		dependencies: resources.Dependencies(params),
		failures:     map[resources.Reference]failure{},
	}
	for _, object := range rendered {
		reference := resources.ReferenceTo(object)

		target, err := r.applier.Get(ctx, webhook, object)
		if err != nil {
			p.failures[reference] = seen.fail(reference.String(), err)
			continue
		}

		p.targets[reference] = target
	}

	return p
}

// apply applies every object, even after another has failed. An object whose dependency has failed stays as it is.
func (r *WhatsAppWebhookReconciler) apply(ctx context.Context, p *plan, seen *observation) {
	for _, object := range p.objects {
		reference := resources.ReferenceTo(object)
		if p.failed(reference) {
			continue
		}

		target := p.targets[reference]
		if held, ok := p.held(reference); ok {
			p.failures[reference] = held
			seen.failures = append(seen.failures, held)
			seen.record(target.Live)

			continue
		}

		result := resultApplied
		begin := time.Now()

		live, err := r.applyOne(ctx, object, target)
		if err != nil {
			f := seen.fail(reference.String(), err)
			result = f.reason

			// A failed update of an existing dependency does not block the others, except for the configuration: pods would start with
			// an old one.
			if live == nil || reference.Kind == "ConfigMap" {
				p.failures[reference] = f
			}
		}

		r.metrics.observeApply(reference.Kind, time.Since(begin), result)

		seen.record(live)
		seen.checkStays(reference, live)
	}

	if object, contested := r.applier.Contested(client.ObjectKeyFromObject(p.webhook)); contested {
		seen.failures = append(seen.failures, contestOf(object))
	}
}

// checkStays records that an object is being deleted, which a finalizer of another controller can delay for any time. It is created
// again once it is gone. The verdict on the volume reports a claim.
func (o *observation) checkStays(reference resources.Reference, live client.Object) {
	if live == nil || live.GetDeletionTimestamp() == nil || reference.Kind == "PersistentVolumeClaim" {
		return
	}

	o.failures = append(o.failures, beingDeleted(reference.String(), &apply.BeingDeletedError{Kind: reference.Kind, Name: reference.Name}))
}

// held returns the failure of an object that is not applied because a dependency has failed, if there is one.
func (p *plan) held(reference resources.Reference) (failure, bool) {
	for _, dependency := range p.dependencies[reference] {
		if cause, failed := p.failures[dependency]; failed {
			cause.message = fmt.Sprintf("%s refers to %s, so it is not applied until that object is fixed", reference, dependency)

			return cause, true
		}
	}

	return failure{}, false
}

// applyOne applies one object. If the cache lacks an object that exists, its owner decides, as for a cached one.
func (r *WhatsAppWebhookReconciler) applyOne(ctx context.Context, object resources.Object, target *apply.Target) (client.Object, error) {
	live, err := r.applyTo(ctx, object, target)
	if !errors.Is(err, apply.ErrExists) {
		return live, err
	}

	found, err := r.applier.GetLive(ctx, target)
	if err != nil {
		return nil, err
	}

	return r.applyTo(ctx, object, found)
}

// applyTo applies one object to a target. If others set the replicas, it transfers their ownership first.
func (r *WhatsAppWebhookReconciler) applyTo(ctx context.Context, object resources.Object, target *apply.Target) (client.Object, error) {
	if deployment, ok := object.(*appsv1ac.DeploymentApplyConfiguration); ok && deployment.Spec.Replicas == nil {
		key := client.ObjectKey{Namespace: *object.GetNamespace(), Name: *object.GetName()}
		if err := r.applier.HandOverReplicas(ctx, key); err != nil {
			return target.Live, err
		}
	}

	resources.KeepInitial(object, target.Live, func(field string) bool { return apply.OwnsSpec(target.Live, field) })

	return r.applier.Apply(ctx, target)
}
