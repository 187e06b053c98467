// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// allResources returns a reader of the WhatsAppWebhooks by claimIndex, including those that another operator reconciles. If the
// cache of the manager holds only those that a selector matches, it adds another cache to the manager.
func (c *Cache) allResources(ctx context.Context, mgr ctrl.Manager) (client.Reader, error) {
	if c.selector.Empty() {
		return mgr.GetClient(), nil
	}

	all, err := crcluster.New(mgr.GetConfig(), func(o *crcluster.Options) {
		o.Scheme = mgr.GetScheme()
		o.Logger = mgr.GetLogger()
		o.HTTPClient = mgr.GetHTTPClient()
		o.MapperProvider = func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return mgr.GetRESTMapper(), nil }
		o.Cache = cache.Options{
			DefaultNamespaces:        c.Options().DefaultNamespaces,
			DefaultTransform:         stripToStore,
			NewInformer:              c.informers.newInformer,
			DefaultWatchErrorHandler: handleWatchError,
		}
	})
	if err != nil {
		return nil, fmt.Errorf("create a cache: %w", err)
	}

	if err := all.GetFieldIndexer().IndexField(ctx, &v1alpha1.WhatsAppWebhook{}, claimIndex, indexClaim); err != nil {
		return nil, fmt.Errorf("index by claim: %w", err)
	}

	if err := mgr.Add(all); err != nil {
		return nil, fmt.Errorf("add the cache to the manager: %w", err)
	}

	return all.GetCache(), nil
}

// stripToStore drops all of a resource but its identity, its age and its store.
func stripToStore(cached any) (any, error) {
	webhook, ok := cached.(*v1alpha1.WhatsAppWebhook)
	if !ok {
		return cached, nil
	}

	return &v1alpha1.WhatsAppWebhook{
		TypeMeta: webhook.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         webhook.Namespace,
			Name:              webhook.Name,
			UID:               webhook.UID,
			ResourceVersion:   webhook.ResourceVersion,
			CreationTimestamp: webhook.CreationTimestamp,
		},
		Spec: v1alpha1.WhatsAppWebhookSpec{Store: webhook.Spec.Store},
	}, nil
}
