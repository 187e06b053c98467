// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// NotOwnedError reports an object that has the name of a rendered one but another owner.
type NotOwnedError struct {
	Kind, Name string
	// Owner says to whom the object belongs, as far as its metadata shows.
	Owner string
}

// Error names the object and its owner.
func (e *NotOwnedError) Error() string {
	return fmt.Sprintf("a %s named %q exists and belongs to %s", e.Kind, e.Name, e.Owner)
}

// BeingDeletedError reports an object that has the name of a rendered one and is about to be deleted.
type BeingDeletedError struct {
	Kind, Name string
	// Former means that the object belongs to a deleted resource of the same name.
	Former bool
}

// Error names the object.
func (e *BeingDeletedError) Error() string {
	return fmt.Sprintf("a %s named %q is still being deleted", e.Kind, e.Name)
}

// isOfOthers reports whether the error says that the object is not one of the owner's, or is none any more.
func isOfOthers(err error) bool {
	_, notOwned := errors.AsType[*NotOwnedError](err)
	_, beingDeleted := errors.AsType[*BeingDeletedError](err)

	return notOwned || beingDeleted
}

// checkOwner returns an error if the owner of the target must not apply to the live object. An object without a controller
// belongs to the owner if the operator applied it for a resource of that name: an orphan of a deleted resource, a restored
// object, or a retained one.
func (a *Applier) checkOwner(ctx context.Context, target *Target, desired *unstructured.Unstructured) error {
	if target.Live == nil || metav1.IsControlledBy(target.Live, target.owner) {
		return nil
	}

	controller := metav1.GetControllerOfNoCopy(target.Live)

	gone, err := a.isFormer(controller, target.owner)
	if err != nil {
		return err
	}

	if gone {
		// Garbage collection deletes the objects of a former resource of the same name.
		return &BeingDeletedError{
			Kind:   desired.GetKind(),
			Name:   desired.GetName(),
			Former: true,
		}
	}

	if controller != nil {
		return &NotOwnedError{
			Kind:  desired.GetKind(),
			Name:  desired.GetName(),
			Owner: controller.Kind + " " + controller.Name,
		}
	}

	if target.known.uid != target.Live.GetUID() {
		if err := a.checkOrphan(ctx, target, desired); err != nil {
			return err
		}
	}

	if target.Live != nil && target.Live.GetDeletionTimestamp() != nil {
		return &BeingDeletedError{Kind: desired.GetKind(), Name: desired.GetName()}
	}

	return nil
}

// isFormer reports whether the controller is a deleted resource with the name of the owner.
func (a *Applier) isFormer(controller *metav1.OwnerReference, owner client.Object) (bool, error) {
	if controller == nil {
		return false, nil
	}

	gvk, err := apiutil.GVKForObject(owner, a.client.Scheme())
	if err != nil {
		return false, fmt.Errorf("look up the kind of the owner: %w", err)
	}

	group := schema.FromAPIVersionAndKind(controller.APIVersion, controller.Kind).GroupKind()

	return group == gvk.GroupKind() && controller.Name == owner.GetName() && controller.UID != owner.GetUID(), nil
}

// checkOrphan returns an error if the operator did not apply the object without a controller for the owner. It
// reads the object again: a cached one has neither labels nor all managers.
func (a *Applier) checkOrphan(ctx context.Context, target *Target, desired *unstructured.Unstructured) error {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(desired.GroupVersionKind())

	err := a.live.Get(ctx, client.ObjectKeyFromObject(desired), object)
	if apierrors.IsNotFound(err) {
		target.Live = nil

		return nil
	}

	if err != nil {
		return fmt.Errorf("read the metadata of %s: %w", describe(desired), err)
	}

	ours := resources.BelongsTo(object.GetLabels(), target.owner.GetName()) &&
		object.GetUID() == target.Live.GetUID() &&
		slices.ContainsFunc(object.GetManagedFields(), isOurs)
	if ours {
		return nil
	}

	return &NotOwnedError{
		Kind:  desired.GetKind(),
		Name:  desired.GetName(),
		Owner: ownerOf(object),
	}
}

// ownerOf returns the owner of an object without a controller.
func ownerOf(object client.Object) string {
	for _, reference := range object.GetOwnerReferences() {
		return reference.Kind + " " + reference.Name
	}

	if release := object.GetAnnotations()["meta.helm.sh/release-name"]; release != "" {
		return "the Helm release " + release
	}

	keeper := "another tool"
	for _, entry := range object.GetManagedFields() {
		if entry.Subresource == "" {
			keeper = "the field manager " + entry.Manager
		}
	}

	return keeper
}

// isOurs reports whether the entry is of what the operator applied.
func isOurs(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == FieldOwner && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}
