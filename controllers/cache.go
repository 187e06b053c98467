// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// NewScheme returns the Go types that a manager of this package's reconciler works with.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	err := errors.Join(clientgoscheme.AddToScheme(scheme), gatewayv1.Install(scheme), v1alpha1.AddToScheme(scheme))

	return scheme, err
}

// CacheOptions keep a manager's cache to the resources, the objects of the operator, and of those to what it reads,
// whatever else a cluster is full of. No namespaces means all.
func CacheOptions(namespaces []string) cache.Options {
	options := cache.Options{
		// An optional API that went has no informer. To wait for one would be to wait for ever.
		ReaderFailOnMissingInformer: true,

		DefaultLabelSelector: resources.Managed(),
		DefaultTransform:     onlyWhatIsRead,
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.WhatsAppWebhook{}: {Label: labels.Everything()},
		},
	}
	for _, namespace := range namespaces {
		if options.DefaultNamespaces == nil {
			options.DefaultNamespaces = map[string]cache.Config{}
		}

		options.DefaultNamespaces[namespace] = cache.Config{}
	}

	return options
}

// onlyWhatIsRead drops the bulk of an object before it is cached. What is cached is never written back.
func onlyWhatIsRead(cached any) (any, error) {
	object, ok := cached.(client.Object)
	if !ok {
		return cached, nil
	}

	switch object := object.(type) {
	case *v1alpha1.WhatsAppWebhook:
		object.ManagedFields = nil
		return object, nil
	case *appsv1.Deployment:
		object.Spec.Template = corev1.PodTemplateSpec{}
	case *networkingv1.Ingress:
		object.Spec = networkingv1.IngressSpec{}
	case *gatewayv1.HTTPRoute:
		object.Spec = gatewayv1.HTTPRouteSpec{}
	case *discoveryv1.EndpointSlice:
		object.ManagedFields = nil
		return object, nil
	}

	object.SetAnnotations(nil)
	object.SetLabels(nil) // whether they are as wanted shows in managedFields, and in that the object is here at all
	object.SetManagedFields(slices.DeleteFunc(object.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager != apply.FieldOwner
	}))

	return object, nil
}
