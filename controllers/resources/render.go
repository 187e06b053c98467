// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package resources renders the objects of a WhatsAppWebhook. It is pure: the same resource and [Environment] give the same
// objects, and nothing here reads a cluster, a clock or variables of the process.
package resources

import (
	"k8s.io/apimachinery/pkg/runtime"
)

// Object is a rendered object. It has only the fields that the operator sets.
type Object interface {
	runtime.ApplyConfiguration
	// GetAPIVersion returns the API version, which is never nil.
	GetAPIVersion() *string
	// GetKind returns the kind, which is never nil.
	GetKind() *string
	// GetNamespace returns the namespace, which is never nil.
	GetNamespace() *string
	// GetName returns the name, which is never nil.
	GetName() *string
}

// Render returns the objects in the order to apply them: the dependencies of a pod come before the pod. Objects the
// resource does not use are left out, and must be pruned. Not every cluster serves every kind: see [HTTPRouteKind] and
// the other optional kinds.
func Render(p Params) []Object {
	builders := []func(Params) Object{
		serviceAccount,
		configMap,
		persistentVolumeClaim,
		deployment,
		service,
		adminService,
		messagesService,
		ingress,
		httpRoute,
		horizontalPodAutoscaler,
		scaledObject,
		podDisruptionBudget,
		networkPolicy,
		serviceMonitor,
		prometheusRule,
		grafanaDashboard,
	}

	var objects []Object
	for _, build := range builders {
		if object := build(p); object != nil {
			objects = append(objects, object)
		}
	}

	return objects
}
