// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// extensions tracks the optional APIs the cluster serves. It polls discovery, which needs no rights. A manager of single
// namespaces could not have those for a watch of CustomResourceDefinitions.
type extensions struct {
	discovery discovery.DiscoveryInterface
	every     time.Duration
	log       logr.Logger
	// changed is called with the kinds added and removed since the last call, and never concurrently.
	changed func(ctx context.Context, added, removed []kind) error

	mu     sync.RWMutex
	served map[schema.GroupVersionKind]bool
}

// discover returns the kinds added and removed since the last call of record.
func (e *extensions) discover() (added, removed []kind, err error) {
	for _, kind := range kinds() {
		if !kind.optional {
			continue
		}

		list, err := e.discovery.ServerResourcesForGroupVersion(kind.GroupVersion().String())
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, nil, fmt.Errorf("discover whether %s is served: %w", kind.GroupKind(), err)
		}

		served := err == nil && slices.ContainsFunc(list.APIResources, func(resource metav1.APIResource) bool {
			return resource.Kind == kind.Kind
		})

		switch before := e.serves(kind.GroupVersionKind); {
		case served && !before:
			added = append(added, kind)
		case before && !served:
			removed = append(removed, kind)
		}
	}

	return added, removed, nil
}

// record starts and stops the rendering of kinds.
func (e *extensions) record(added, removed []kind) {
	e.mu.Lock()
	defer e.mu.Unlock()

	for _, kind := range added {
		e.served[kind.GroupVersionKind] = true
	}

	for _, kind := range removed {
		delete(e.served, kind.GroupVersionKind)
	}
}

func (e *extensions) serves(gvk schema.GroupVersionKind) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()

	return e.served[gvk]
}

// servedKinds returns the kinds that the cluster serves.
func (e *extensions) servedKinds() []kind {
	return slices.DeleteFunc(kinds(), func(k kind) bool { return k.optional && !e.serves(k.GroupVersionKind) })
}

// split returns the objects whose API the cluster serves, the optional kinds among the rendered objects, and those of
// them that the cluster does not serve.
func (e *extensions) split(rendered []resources.Object) (served []resources.Object, wanted, missing []schema.GroupVersionKind) {
	for _, object := range rendered {
		gvk := schema.FromAPIVersionAndKind(*object.GetAPIVersion(), *object.GetKind())

		optional := slices.ContainsFunc(kinds(), func(k kind) bool { return k.GroupVersionKind == gvk && k.optional })
		if optional {
			wanted = append(wanted, gvk)
			if !e.serves(gvk) {
				missing = append(missing, gvk)
				continue
			}
		}

		served = append(served, object)
	}

	return served, wanted, missing
}

// Start polls discovery until ctx ends. After an error it retries at the next interval.
func (e *extensions) Start(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		added, removed, err := e.discover()
		if err == nil && len(added)+len(removed) > 0 {
			err = e.changed(ctx, added, removed)
		}

		if err != nil && ctx.Err() == nil {
			e.log.Error(err, "discovery of optional APIs failed; the last known state stays in use")
		}
	}, e.every)

	return nil
}
