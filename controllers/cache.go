// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"net/http"
	"slices"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
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

// NewScheme returns the Go types that the reconciler's manager needs.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	err := errors.Join(clientgoscheme.AddToScheme(scheme), gatewayv1.Install(scheme), v1alpha1.AddToScheme(scheme))

	addScaledObject(scheme)

	return scheme, err
}

// Cache configures the cache of a manager, and knows its state.
type Cache struct {
	namespaces []string
	selector   labels.Selector
	access     *access
	informers  *informers
}

// NewCache returns a Cache for a manager of the namespaces, or of all if there are none. Of the WhatsAppWebhooks it holds
// those that the selector matches.
func NewCache(scheme *runtime.Scheme, namespaces []string, selector labels.Selector, log logr.Logger) *Cache {
	return &Cache{
		namespaces: namespaces,
		selector:   selector,
		access:     newAccess(log),
		informers:  &informers{scheme: scheme},
	}
}

// Wrap returns a transport for the manager's client that records missing rights.
func (c *Cache) Wrap(next http.RoundTripper) http.RoundTripper { return c.access.wrap(next) }

// Options returns the options that limit the cache to the resources and the operator's objects, and of these to the
// fields it reads.
func (c *Cache) Options() cache.Options {
	options := cache.Options{
		// The API of a removed extension has no informer, and waiting for one would never end.
		ReaderFailOnMissingInformer: true,

		DefaultLabelSelector: resources.Managed(),
		DefaultTransform:     stripUnread,
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.WhatsAppWebhook{}: {Label: c.selector},
			&corev1.Pod{}:               {Label: resources.Receivers()},
		},
		NewInformer:              c.informers.newInformer,
		DefaultWatchErrorHandler: handleWatchError,
	}
	for _, namespace := range c.namespaces {
		if options.DefaultNamespaces == nil {
			options.DefaultNamespaces = map[string]cache.Config{}
		}

		options.DefaultNamespaces[namespace] = cache.Config{}
	}

	return options
}

// Unsynced returns the kinds that the cache does not hold yet. A kind that the operator may not list counts as held: it is
// taken up when a role grants the right.
func (c *Cache) Unsynced() []string { return c.informers.unsynced() }

// Missing returns the rights that the operator lacks, in words.
func (c *Cache) Missing() []string {
	var missing []string
	for _, d := range c.access.all() {
		missing = append(missing, d.String())
	}

	return missing
}

// Works reports whether the operator has the rights it needs in at least one namespace.
func (c *Cache) Works() bool {
	if len(c.namespaces) == 0 {
		return len(c.access.required("")) == 0
	}

	return slices.ContainsFunc(c.namespaces, func(namespace string) bool {
		return len(c.access.required(namespace)) == 0
	})
}

// stripUnread drops the fields of an object that the operator does not read. Cached objects are never written back.
func stripUnread(cached any) (any, error) {
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
	case *corev1.Service:
		object.Spec = corev1.ServiceSpec{}
	case *networkingv1.Ingress:
		object.Spec = networkingv1.IngressSpec{IngressClassName: object.Spec.IngressClassName}
	case *gatewayv1.HTTPRoute:
		object.Spec = gatewayv1.HTTPRouteSpec{}
	case *autoscalingv2.HorizontalPodAutoscaler:
		object.Spec = autoscalingv2.HorizontalPodAutoscalerSpec{}
	case *corev1.Pod:
		object.Spec = corev1.PodSpec{NodeName: object.Spec.NodeName}
		object.Annotations = nil
		object.ManagedFields = nil

		return object, nil
	case *discoveryv1.EndpointSlice:
		object.ManagedFields = nil

		return object, nil
	}

	object.SetAnnotations(nil)
	// Drift of labels shows in managedFields, or in the object's absence from the cache.
	object.SetLabels(readLabels(object))
	object.SetManagedFields(slices.DeleteFunc(object.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager != apply.FieldOwner
	}))

	return object, nil
}

// readLabels returns the labels that the operator reads.
func readLabels(object client.Object) map[string]string {
	if value := object.GetLabels()[labelRendering]; value != "" {
		return map[string]string{labelRendering: value}
	}

	return nil
}
