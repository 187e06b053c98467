// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// informers creates the informers of a cache, and tracks which have synced.
//
// An informer whose first list is forbidden starts empty, and so does one of an optional kind after any error. Otherwise
// one missing right, one missing namespace or one broken extension would block the whole cache. The informer tries again at
// intervals, and fills once the list succeeds. Later errors do not empty it.
type informers struct {
	scheme *runtime.Scheme

	mu      sync.Mutex
	tracked []*informer
}

type informer struct {
	toolscache.SharedIndexInformer

	kind string

	mu      sync.Mutex
	lastErr error // of the last list
}

// newInformer implements the function of that name in the options of a cache.
func (i *informers) newInformer(
	source toolscache.ListerWatcher,
	example runtime.Object,
	resync time.Duration,
	indexers toolscache.Indexers,
) toolscache.SharedIndexInformer {
	created := &informer{kind: fmt.Sprintf("%T", example)}
	optional := false

	if gvk, err := apiutil.GVKForObject(example, i.scheme); err == nil {
		created.kind = gvk.Kind
		optional = optionalResources[resourceOf(gvk)]
	}

	reads := toolscache.ToListerWatcherWithContext(source)
	created.SharedIndexInformer = toolscache.NewSharedIndexInformer(&toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := reads.ListWithContext(ctx, options)
			created.record(err)

			tolerated := apierrors.IsForbidden(err) || optional && err != nil
			if tolerated && !created.HasSynced() {
				return &metav1.List{}, nil
			}

			return list, err
		},
		WatchFuncWithContext: reads.WatchWithContext,
	}, example, resync, indexers)

	i.mu.Lock()
	defer i.mu.Unlock()

	i.tracked = append(slices.DeleteFunc(i.tracked, func(old *informer) bool { return old.IsStopped() }), created)

	return created
}

func (i *informer) record(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()

	i.lastErr = err
}

func (i *informer) problem() string {
	i.mu.Lock()
	defer i.mu.Unlock()

	if i.lastErr == nil {
		return i.kind
	}

	return fmt.Sprintf("%s (%v)", i.kind, i.lastErr)
}

// unsynced returns the kinds that are not in the cache yet, with an error for each kind that cannot be listed.
func (i *informers) unsynced() []string {
	i.mu.Lock()
	defer i.mu.Unlock()

	var unsynced []string
	for _, informer := range i.tracked {
		if !informer.HasSynced() && !informer.IsStopped() {
			unsynced = append(unsynced, informer.problem())
		}
	}

	slices.Sort(unsynced)

	return slices.Compact(unsynced)
}

// handleWatchError logs the end of a watch. Missing rights are logged once, when the API server refuses the request.
func handleWatchError(ctx context.Context, reflector *toolscache.Reflector, err error) {
	if !apierrors.IsForbidden(err) {
		toolscache.DefaultWatchErrorHandler(ctx, reflector, err)
	}
}
