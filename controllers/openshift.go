// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// routeGroup is the API group of OpenShift's routes. The operator reads and writes none of them.
const routeGroup = "route.openshift.io"

// discoverOpenShift reports whether the cluster serves the group of OpenShift's routes. It reads the document of the group and
// not those of its versions, which cannot be read while OpenShift's own API server is down.
func (e *extensions) discoverOpenShift(ctx context.Context) (bool, error) {
	err := e.discovery.RESTClient().Get().AbsPath("/apis", routeGroup).Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return false, nil
	}

	if err != nil {
		return false, fmt.Errorf("discover whether %s is served: %w", routeGroup, err)
	}

	return true, nil
}

// isOpenShift reports whether objects are rendered for OpenShift.
func (e *extensions) isOpenShift() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()

	return e.openShift
}

// renderingEnvironment returns the environment that objects are rendered with in the cluster as it is now.
func (r *WhatsAppWebhookReconciler) renderingEnvironment() resources.Environment {
	environment := r.environment
	environment.OpenShift = r.extensions.isOpenShift()

	return environment
}
