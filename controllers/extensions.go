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
	access    *access
	every     time.Duration
	log       logr.Logger
	// disabled are the kinds that the operator must not use. They count as not served.
	disabled []string
	// changed is called with what has changed since the last call, and never concurrently.
	changed func(ctx context.Context, change apiChange) error

	mu        sync.RWMutex
	served    map[schema.GroupVersionKind]bool
	openShift bool
}

// apiChange is a difference between the optional APIs that the cluster serves and the recorded ones.
type apiChange struct {
	added, removed []kind
	openShift      bool // has come or gone
}

// isEmpty reports whether nothing has changed.
func (c apiChange) isEmpty() bool { return len(c.added)+len(c.removed) == 0 && !c.openShift }

// discover returns what has changed since the last call of record.
func (e *extensions) discover(ctx context.Context) (change apiChange, err error) {
	for _, kind := range kinds {
		if !kind.optional || e.isDisabled(kind.Kind) {
			continue
		}

		list, err := e.discovery.ServerResourcesForGroupVersion(kind.GroupVersion().String())
		if err != nil && !apierrors.IsNotFound(err) {
			return apiChange{}, fmt.Errorf("discover whether %s is served: %w", kind.GroupKind(), err)
		}

		served := err == nil && slices.ContainsFunc(list.APIResources, func(resource metav1.APIResource) bool {
			return resource.Kind == kind.Kind
		})

		switch before := e.isServed(kind.GroupVersionKind); {
		case served && !before:
			change.added = append(change.added, kind)
		case before && !served:
			change.removed = append(change.removed, kind)
		}
	}

	openShift, err := e.discoverOpenShift(ctx)
	if err != nil {
		return apiChange{}, err
	}

	change.openShift = openShift != e.isOpenShift()

	return change, nil
}

// record starts and stops the rendering of kinds, and the rendering for OpenShift.
func (e *extensions) record(change apiChange) {
	e.mu.Lock()
	defer e.mu.Unlock()

	for _, kind := range change.added {
		e.served[kind.GroupVersionKind] = true
	}

	for _, kind := range change.removed {
		delete(e.served, kind.GroupVersionKind)
	}

	if change.openShift {
		e.openShift = !e.openShift
	}
}

func (e *extensions) isServed(gvk schema.GroupVersionKind) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()

	return e.served[gvk]
}

// servedKinds returns the kinds that the cluster serves.
func (e *extensions) servedKinds() []kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return k.optional && !e.isServed(k.GroupVersionKind) })
}

// readableKinds returns the kinds that the cluster serves and the operator may read in the namespace.
func (e *extensions) readableKinds(namespace string) []kind {
	return slices.DeleteFunc(e.servedKinds(), func(k kind) bool {
		_, denied := e.access.denied(namespace, resourceOf(k.GroupVersionKind))

		return denied
	})
}

// isDisabled reports whether the operator must not use a kind.
func (e *extensions) isDisabled(kind string) bool { return slices.Contains(e.disabled, kind) }

// split returns the objects whose API is available, the optional kinds among the rendered objects, and the missing ones
// among these kinds. denied has the reason for each kind that is missing although the cluster may serve it.
func (e *extensions) split(namespace string, rendered []resources.Object) (
	available []resources.Object,
	wanted, missing []schema.GroupVersionKind,
	denied map[schema.GroupVersionKind]string,
) {
	denied = map[schema.GroupVersionKind]string{}

	for _, object := range rendered {
		gvk := schema.FromAPIVersionAndKind(*object.GetAPIVersion(), *object.GetKind())
		if !optionalResources[resourceOf(gvk)] {
			available = append(available, object)
			continue
		}

		wanted = append(wanted, gvk)

		right, lacks := e.access.denied(namespace, resourceOf(gvk))

		switch {
		case e.isDisabled(gvk.Kind):
			denied[gvk] = "the operator does not use " + gvk.Kind + "; remove it from --disabled-kinds"
		case lacks:
			denied[gvk] = right.String() + "; grant it in a role"
		}

		if denied[gvk] != "" || !e.isServed(gvk) {
			missing = append(missing, gvk)
			continue
		}

		available = append(available, object)
	}

	return available, wanted, missing, denied
}

// Start polls discovery until ctx ends. After an error it retries at the next interval.
func (e *extensions) Start(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		change, err := e.discover(ctx)
		if err == nil && !change.isEmpty() {
			err = e.changed(ctx, change)
		}

		if err != nil && ctx.Err() == nil {
			e.log.Error(err, "discovery of optional APIs failed; the last known state stays in use")
		}
	}, e.every)

	return nil
}
