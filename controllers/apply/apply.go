// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apply writes rendered objects to a cluster by server-side apply: it claims the fields that were rendered and
// no others, never takes over an object it does not own, and sends nothing when nothing is to change.
package apply

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// FieldOwner is the name under which the operator owns fields. Another name would leave the fields of the former one
// behind, so it never changes.
const FieldOwner = "whatsapp-webhook-operator"

// NotOwnedError says that an object has the name of a rendered one but is not controlled by the resource.
type NotOwnedError struct {
	Kind, Name string
}

func (e *NotOwnedError) Error() string {
	return fmt.Sprintf("a %s named %q is there already and does not belong to this resource", e.Kind, e.Name)
}

// Applier applies and prunes the objects of any number of owners. It is safe for concurrent use.
type Applier struct {
	client client.Client
	live   client.Reader
	whole  map[schema.GroupVersionKind]bool
	memory memory
}

// New returns an Applier that reads through c, which may be cached and limited to objects of the operator, and asks
// live where that does not know. Neither may strip what [FieldOwner] has in managedFields. Objects of the kinds in whole
// are read wholly, as the Go types of the client's scheme; of others the metadata is enough.
func New(c client.Client, live client.Reader, whole ...schema.GroupVersionKind) *Applier {
	a := &Applier{
		client: c,
		live:   live,
		whole:  map[schema.GroupVersionKind]bool{},
		memory: newMemory(),
	}
	for _, gvk := range whole {
		a.whole[gvk] = true
	}

	return a
}

// Apply makes the rendered object so, controlled by owner, and returns it as the API server has it now: wholly or its
// metadata, see [New]. With an error it returns the object as it was, or nil where there is none of ours. The error
// wraps [NotOwnedError] or what the API server said.
func (a *Applier) Apply(ctx context.Context, owner client.Object, rendered resources.Object) (client.Object, error) {
	desired, err := a.desired(owner, rendered)
	if err != nil {
		return nil, err
	}

	fingerprint, err := fingerprintOf(desired.Object)
	if err != nil {
		return nil, fmt.Errorf("fingerprint %s: %w", describe(desired), err)
	}

	known := a.memory.recall(owner, desired)

	live, err := a.read(ctx, desired, known.generation)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", describe(desired), err)
	}

	if live != nil {
		if !metav1.IsControlledBy(live, owner) {
			return nil, &NotOwnedError{Kind: desired.GetKind(), Name: desired.GetName()}
		}

		now, err := recordOf(live, fingerprint)
		if err != nil {
			return live, fmt.Errorf("read the managed fields of %s: %w", describe(desired), err)
		}

		if known.same(now) {
			return live, nil
		}
		// The API server refuses the request if the object has been replaced since it was read.
		desired.SetUID(live.GetUID())
	}

	if err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), client.FieldOwner(FieldOwner), client.ForceOwnership); err != nil {
		if replaced(err) {
			err = apierrors.NewConflict(schema.GroupResource{Group: desired.GroupVersionKind().Group, Resource: desired.GetKind()}, desired.GetName(),
				errors.New("it was replaced since it was read"))
		}

		return live, fmt.Errorf("apply %s: %w", describe(desired), err)
	}

	result, err := recordOf(desired, fingerprint)
	if err != nil {
		return live, fmt.Errorf("read the managed fields of %s: %w", describe(desired), err)
	}

	a.memory.remember(owner, desired, result)

	return a.convert(desired)
}

// Forget drops what is remembered of an owner that is gone.
func (a *Applier) Forget(owner client.ObjectKey) {
	a.memory.forget(owner)
}

// desired adds the owner to what was rendered. Going by JSON keeps it to the fields that were set.
func (a *Applier) desired(owner client.Object, rendered resources.Object) (*unstructured.Unstructured, error) {
	data, err := json.Marshal(rendered)
	if err != nil {
		return nil, fmt.Errorf("marshal rendered object: %w", err)
	}

	desired := &unstructured.Unstructured{}
	if err := desired.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("unmarshal rendered object: %w", err)
	}

	if err := controllerutil.SetControllerReference(owner, desired, a.client.Scheme()); err != nil {
		return nil, fmt.Errorf("set the owner of %s: %w", describe(desired), err)
	}

	return desired, nil
}

// read returns nil when there is no such object. The cache alone cannot say so: it may lag, and does not hold objects
// of others. Nor is it believed when it is older than what was last applied.
func (a *Applier) read(ctx context.Context, desired *unstructured.Unstructured, generation int64) (client.Object, error) {
	key := client.ObjectKeyFromObject(desired)
	for _, reader := range []client.Reader{a.client, a.live} {
		object, err := a.Prototype(desired.GroupVersionKind())
		if err != nil {
			return nil, err
		}

		err = reader.Get(ctx, key, object)
		switch {
		case err == nil && (reader == a.live || object.GetGeneration() >= generation):
			return object, nil
		case err != nil && !apierrors.IsNotFound(err):
			return nil, err
		}
	}

	return nil, nil
}

// Prototype returns an empty object to read one of that kind into. All reads of a kind take the same one, so that they share one cache.
func (a *Applier) Prototype(kind schema.GroupVersionKind) (client.Object, error) {
	if !a.whole[kind] {
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
		return nil, fmt.Errorf("%s is not a kind of objects", kind.Kind)
	}

	return typed, nil
}

func (a *Applier) convert(from *unstructured.Unstructured) (client.Object, error) {
	object, err := a.Prototype(from.GroupVersionKind())
	if err != nil {
		return nil, err
	}

	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(from.Object, object); err != nil {
		return nil, fmt.Errorf("decode %s: %w", describe(from), err)
	}

	return object, nil
}

// replaced tells a UID that does not fit from a spec that is wrong: the API server calls both invalid.
func replaced(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}

	return slices.ContainsFunc(status.Status().Details.Causes, func(cause metav1.StatusCause) bool {
		return cause.Field == "metadata.uid"
	})
}

func describe(object *unstructured.Unstructured) string {
	return object.GetKind() + " " + object.GetName()
}

func fingerprintOf(content any) ([sha256.Size]byte, error) {
	data, err := json.Marshal(content)
	if err != nil {
		return [sha256.Size]byte{}, err
	}

	return sha256.Sum256(data), nil
}
