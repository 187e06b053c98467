// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// errRenderingPanicked is the error of render for a fault of the operator. All others are for what is wrong with the spec.
var errRenderingPanicked = errors.New("the operator cannot render the spec, which is a fault of the operator; its log has the cause")

// render returns the objects of a resource. A panic becomes an error, so that the status is updated and says that the
// objects stay as they are.
func render(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	environment resources.Environment,
) (params resources.Params, rendered []resources.Object, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			ctrl.LoggerFrom(ctx).Error(nil, "rendering panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))

			err = errRenderingPanicked
		}
	}()

	params, err = resources.NewParams(webhook, environment)
	if err != nil {
		return params, nil, err
	}

	return params, resources.Render(params), nil
}

// available returns the objects whose API the cluster serves and the operator may read, and records the missing ones.
func (r *WhatsAppWebhookReconciler) available(
	webhook *v1alpha1.WhatsAppWebhook,
	rendered []resources.Object,
	seen *observation,
) (available []resources.Object) {
	available, seen.wanted, seen.missing, seen.denied = r.extensions.split(webhook.Namespace, rendered)

	for _, right := range r.access.required(webhook.Namespace) {
		seen.failures = append(seen.failures, right.failure())
	}

	return available
}

// prune deletes the objects of the resource that are no longer rendered, except retained ones, which hold data.
func (r *WhatsAppWebhookReconciler) prune(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	rendered []resources.Object,
	seen *observation,
) {
	var pruned []schema.GroupVersionKind
	for _, kind := range r.extensions.readableKinds(webhook.Namespace) {
		if !kind.retained {
			pruned = append(pruned, kind.GroupVersionKind)
		}
	}

	if err := r.applier.Prune(ctx, webhook, pruned, rendered); err != nil {
		seen.fail("deleting objects that are no longer needed", err)
	}
}
