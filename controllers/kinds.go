// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// kind is a kind of object that the operator renders.
type kind struct {
	schema.GroupVersionKind
	typed    bool // read with spec and status; of the others only the metadata
	retained bool // holds data, so it is deleted only with its resource
	optional bool // of an API that a cluster may lack
}

// resourceOf returns the name of a kind in paths and in rules of RBAC.
func resourceOf(gvk schema.GroupVersionKind) schema.GroupResource {
	plural, _ := meta.UnsafeGuessKindToResource(gvk)

	return plural.GroupResource()
}

// kinds are all kinds that the operator renders.
var kinds = []kind{
	{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("ServiceAccount")},
	{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("ConfigMap")},
	{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"), typed: true, retained: true},
	{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Service"), typed: true},
	{GroupVersionKind: appsv1.SchemeGroupVersion.WithKind("Deployment"), typed: true},
	{GroupVersionKind: autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"), typed: true},
	{GroupVersionKind: policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget")},
	{GroupVersionKind: networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy")},
	{GroupVersionKind: networkingv1.SchemeGroupVersion.WithKind("Ingress"), typed: true},
	{
		GroupVersionKind: resources.HTTPRouteKind,
		typed:            true,
		optional:         true,
	},
	{
		GroupVersionKind: resources.ScaledObjectKind,
		typed:            true,
		optional:         true,
	},
	{GroupVersionKind: resources.ServiceMonitorKind, optional: true},
	{GroupVersionKind: resources.PrometheusRuleKind, optional: true},
}

// optionalResources are the resources of APIs that a cluster may lack. Without any other the operator cannot work in a namespace:
// without pods, for example, no receiver can be asked for its state.
var optionalResources = func() map[schema.GroupResource]bool {
	optional := map[schema.GroupResource]bool{}

	for _, kind := range kinds {
		if kind.optional {
			optional[resourceOf(kind.GroupVersionKind)] = true
		}
	}

	return optional
}()

// OptionalKinds returns the kinds of APIs that a cluster may lack.
func OptionalKinds() []string {
	var names []string

	for _, kind := range kinds {
		if kind.optional {
			names = append(names, kind.Kind)
		}
	}

	return names
}

// typedKinds returns the kinds that are read with spec and status.
func typedKinds() []schema.GroupVersionKind {
	var typed []schema.GroupVersionKind
	for _, kind := range kinds {
		if kind.typed {
			typed = append(typed, kind.GroupVersionKind)
		}
	}

	return typed
}
