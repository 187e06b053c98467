// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// Target is a rendered object, and the object that has its name in the cluster.
type Target struct {
	// Live is nil if there is no object. It is complete or only metadata, see [New].
	Live client.Object

	owner    client.Object
	rendered resources.Object
	known    record
}

// Get reads the object that has the name of the rendered one. It returns [NotOwnedError] or [BeingDeletedError] if the
// rendered object must not be applied to it. An object that the cache lacks, and that was not applied before, is assumed not
// to exist: most such objects are about to be created, and [Applier.Apply] then writes to no other.
func (a *Applier) Get(ctx context.Context, owner client.Object, rendered resources.Object) (*Target, error) {
	return a.get(ctx, &Target{owner: owner, rendered: rendered}, a.client, a.live)
}

// GetLive reads the object of a target for which [Applier.Apply] returned [ErrExists], without the cache.
func (a *Applier) GetLive(ctx context.Context, target *Target) (*Target, error) {
	return a.get(ctx, &Target{owner: target.owner, rendered: target.rendered}, a.live)
}

func (a *Applier) get(ctx context.Context, target *Target, readers ...client.Reader) (*Target, error) {
	desired := identityOf(target.rendered)
	target.known = a.memory.get(target.owner, desired)

	if err := a.read(ctx, target, desired, readers); err != nil {
		return nil, fmt.Errorf("read %s: %w", describe(desired), err)
	}

	if err := a.checkOwner(ctx, target, desired); err != nil {
		return nil, err
	}

	return target, nil
}

// Observe returns the object that has the name of the rendered one, or nil if there is none that belongs to the owner. It reads
// past a cache that is older than the last apply.
func (a *Applier) Observe(ctx context.Context, owner client.Object, rendered resources.Object) (client.Object, error) {
	target, err := a.Get(ctx, owner, rendered)
	if isOfOthers(err) {
		return nil, nil
	}

	if err != nil {
		return nil, err
	}

	return target.Live, nil
}

// identityOf returns the kind and the name of the rendered object, without its content.
func identityOf(rendered resources.Object) *unstructured.Unstructured {
	identity := &unstructured.Unstructured{}
	identity.SetAPIVersion(*rendered.GetAPIVersion())
	identity.SetKind(*rendered.GetKind())
	identity.SetNamespace(*rendered.GetNamespace())
	identity.SetName(*rendered.GetName())

	return identity
}

// read sets the object of a target by the first reader that has it. The cache alone cannot tell whether the object exists:
// it may lag, and it lacks objects of other owners. A cached object older than the last one applied is ignored.
func (a *Applier) read(ctx context.Context, target *Target, desired *unstructured.Unstructured, readers []client.Reader) error {
	key := client.ObjectKeyFromObject(desired)
	for _, reader := range readers {
		object, err := a.Prototype(desired.GroupVersionKind())
		if err != nil {
			return err
		}

		err = reader.Get(ctx, key, object)
		switch {
		case err == nil && (reader == a.live || !target.known.newerThan(object)):
			target.Live = object

			return nil
		case err != nil && !apierrors.IsNotFound(err):
			return err
		case err != nil && target.known.uid == "":
			return nil
		}
	}

	return nil
}

// Prototype returns an empty object to read one of the kind into. All reads of a kind use the same type, so that they
// share a cache.
func (a *Applier) Prototype(kind schema.GroupVersionKind) (client.Object, error) {
	if !a.typed[kind] {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(kind)

		return object, nil
	}

	object, err := a.client.Scheme().New(kind)
	if err != nil {
		return nil, err
	}

	typed, ok := object.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%s is not a kind of object", kind.Kind)
	}

	return typed, nil
}
