// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package resources renders the objects that a WhatsAppWebhook becomes. It is pure: the same resource and the same
// [Environment] give the same objects, and nothing here reads a cluster, a clock, or variables of the process.
package resources

import (
	"k8s.io/apimachinery/pkg/runtime"
)

// Object is one rendered object: the fields the operator chooses, and no others.
type Object interface {
	runtime.ApplyConfiguration
	GetAPIVersion() *string
	GetKind() *string
	GetNamespace() *string
	GetName() *string
}

// Render returns the objects in the order to apply them: what a pod needs comes before the pod. An object that the
// resource does not ask for is absent, and is to be deleted where it exists. Not every cluster serves every kind: see
// [HTTPRouteKind] and its like.
func Render(p Params) []Object {
	builders := []func(Params) Object{
		serviceAccount,
		configMap,
		persistentVolumeClaim,
		deployment,
		service,
		adminService,
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
