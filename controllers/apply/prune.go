// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// OwnerIndex is the field index by which [Applier.Prune] lists objects. Every kind to prune needs an index by [IndexOwner].
const OwnerIndex = ".metadata.ownerReferences.controller.uid"

// IndexOwner indexes an object by the UID of its controller.
func IndexOwner(object client.Object) []string {
	if controller := metav1.GetControllerOfNoCopy(object); controller != nil {
		return []string{string(controller.UID)}
	}

	return nil
}

// Prune deletes the objects of the kinds that owner controls and that are no longer rendered. It drops their records, so
// that the watch reports such an object if the cache did not have it yet, see [Applier.IsExternalChange].
func (a *Applier) Prune(
	ctx context.Context,
	owner client.Object,
	kinds []schema.GroupVersionKind,
	rendered []resources.Object,
) error {
	type identity struct{ apiVersion, kind, name string }

	wanted := map[identity]bool{}
	known := map[string]bool{}

	for _, object := range rendered {
		wanted[identity{*object.GetAPIVersion(), *object.GetKind(), *object.GetName()}] = true
		known[describe(identityOf(object))] = true
	}

	a.memory.keep(owner, known)

	var errs []error
	for _, gvk := range kinds {
		owned, err := a.owned(ctx, owner, gvk)
		if err != nil {
			errs = append(errs, fmt.Errorf("list each %s to prune: %w", gvk.Kind, err))
			continue
		}

		for _, object := range owned {
			isWanted := wanted[identity{gvk.GroupVersion().String(), gvk.Kind, object.GetName()}]
			if isWanted || object.GetDeletionTimestamp() != nil {
				continue
			}

			if err := a.delete(ctx, object); err != nil {
				errs = append(errs, fmt.Errorf("delete %s %s: %w", gvk.Kind, object.GetName(), err))
			}
		}
	}

	return errors.Join(errs...)
}

// delete deletes the object, unless it was replaced since it was read.
func (a *Applier) delete(ctx context.Context, object client.Object) error {
	err := a.client.Delete(ctx, object,
		client.Preconditions{UID: new(object.GetUID())},
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}

	return err
}

// owned returns the objects of the kind that owner controls.
func (a *Applier) owned(ctx context.Context, owner client.Object, gvk schema.GroupVersionKind) ([]client.Object, error) {
	list, err := a.newList(gvk)
	if err != nil {
		return nil, err
	}

	err = a.client.List(ctx, list,
		client.InNamespace(owner.GetNamespace()),
		client.MatchingFields{OwnerIndex: string(owner.GetUID())})
	if err != nil {
		return nil, err
	}

	var owned []client.Object

	err = meta.EachListItem(list, func(item runtime.Object) error {
		if object, ok := item.(client.Object); ok {
			object.GetObjectKind().SetGroupVersionKind(gvk)
			owned = append(owned, object)
		}

		return nil
	})

	return owned, err
}

func (a *Applier) newList(kind schema.GroupVersionKind) (client.ObjectList, error) {
	listKind := kind.GroupVersion().WithKind(kind.Kind + "List")
	if !a.typed[kind] {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(listKind)

		return list, nil
	}

	object, err := a.client.Scheme().New(listKind)
	if err != nil {
		return nil, err
	}

	list, ok := object.(client.ObjectList)
	if !ok {
		return nil, fmt.Errorf("%s is not a list", listKind.Kind)
	}

	return list, nil
}
