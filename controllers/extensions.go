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
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// extensions knows which optional APIs the cluster serves. Discovery is asked again and again: it needs no rights, unlike
// a watch of CustomResourceDefinitions, which a manager of single namespaces could not have.
type extensions struct {
	discovery discovery.DiscoveryInterface
	every     time.Duration
	log       logr.Logger
	// changed is called, never twice at a time, with what came and what went.
	changed func(ctx context.Context, came, gone []kind) error

	mu     sync.RWMutex
	served map[schema.GroupVersionKind]bool
}

// look asks once, and returns what came and what went since.
func (e *extensions) look() (came, gone []kind, err error) {
	for _, kind := range kinds() {
		if !kind.optional {
			continue
		}

		list, err := e.discovery.ServerResourcesForGroupVersion(kind.GroupVersion().String())
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, nil, fmt.Errorf("ask whether %s is served: %w", kind.GroupKind(), err)
		}

		is := false
		if err == nil {
			for _, resource := range list.APIResources {
				is = is || resource.Kind == kind.Kind
			}
		}

		switch was := e.serves(kind.GroupVersionKind); {
		case is && !was:
			came = append(came, kind)
		case was && !is:
			gone = append(gone, kind)
		}
	}

	return came, gone, nil
}

// note makes it known that kinds came and went, from when on they are rendered or not.
func (e *extensions) note(came, gone []kind) {
	e.mu.Lock()
	defer e.mu.Unlock()

	for _, kind := range came {
		e.served[kind.GroupVersionKind] = true
	}

	for _, kind := range gone {
		delete(e.served, kind.GroupVersionKind)
	}
}

func (e *extensions) serves(gvk schema.GroupVersionKind) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()

	return e.served[gvk]
}

// kinds returns those that the cluster serves.
func (e *extensions) kinds() []kind {
	return slices.DeleteFunc(kinds(), func(k kind) bool { return k.optional && !e.serves(k.GroupVersionKind) })
}

// split parts what can be applied from what the cluster has no API for, and tells which optional kinds there are in it.
func (e *extensions) split(rendered []resources.Object) (served []resources.Object, wanted, missing []schema.GroupVersionKind) {
	for _, object := range rendered {
		gvk := schema.FromAPIVersionAndKind(*object.GetAPIVersion(), *object.GetKind())
		if slices.ContainsFunc(kinds(), func(k kind) bool { return k.GroupVersionKind == gvk && k.optional }) {
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

// Start keeps looking until ctx ends. What cannot be asked or watched now is tried again the next time.
func (e *extensions) Start(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		came, gone, err := e.look()
		if err == nil && len(came)+len(gone) > 0 {
			err = e.changed(ctx, came, gone)
		}

		if err != nil && ctx.Err() == nil {
			e.log.Error(err, "optional APIs are not known; what was known before holds")
		}
	}, e.every)

	return nil
}
