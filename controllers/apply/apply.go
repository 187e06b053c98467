// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apply writes rendered objects to a cluster by server-side apply. It owns the rendered fields only, never takes
// over an object of another owner, and sends no request if nothing would change.
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

// FieldOwner is the operator's field manager. It never changes: fields of a previous name would stay behind.
const FieldOwner = "whatsapp-webhook-operator"

// NotOwnedError reports an object that has the name of a rendered one but another owner.
type NotOwnedError struct {
	Kind, Name string
}

func (e *NotOwnedError) Error() string {
	return fmt.Sprintf("a %s named %q exists and is not owned by this resource", e.Kind, e.Name)
}

// Applier applies and prunes the objects of any number of owners. It is safe for concurrent use.
type Applier struct {
	client client.Client
	live   client.Reader
	typed  map[schema.GroupVersionKind]bool
	memory memory
}

// New returns an Applier that reads through c, which may be cached and limited to objects of the operator, and falls back
// to live. Neither may strip the entry of [FieldOwner] in managedFields. Objects of the typed kinds are read completely,
// as the Go types of the client's scheme; of other kinds only the metadata is read.
func New(c client.Client, live client.Reader, typed ...schema.GroupVersionKind) *Applier {
	a := &Applier{
		client: c,
		live:   live,
		typed:  map[schema.GroupVersionKind]bool{},
		memory: newMemory(),
	}
	for _, gvk := range typed {
		a.typed[gvk] = true
	}

	return a
}

// Apply applies the rendered object with owner as its controller, and returns the result: the complete object or its
// metadata, see [New]. With an error it returns the object as it was, or nil if owner has none. The error wraps
// [NotOwnedError] or the API server's error.
func (a *Applier) Apply(ctx context.Context, owner client.Object, rendered resources.Object) (client.Object, error) {
	desired, err := a.desired(owner, rendered)
	if err != nil {
		return nil, err
	}

	fingerprint, err := fingerprintOf(desired.Object)
	if err != nil {
		return nil, fmt.Errorf("fingerprint %s: %w", describe(desired), err)
	}

	known := a.memory.get(owner, desired)

	live, err := a.read(ctx, desired, known.generation)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", describe(desired), err)
	}

	if live != nil {
		if !metav1.IsControlledBy(live, owner) {
			return nil, &NotOwnedError{Kind: desired.GetKind(), Name: desired.GetName()}
		}

		current, err := recordOf(live, fingerprint)
		if err != nil {
			return live, fmt.Errorf("read the managed fields of %s: %w", describe(desired), err)
		}

		if known.same(current) {
			return live, nil
		}

		// The API server rejects the request if the object has been replaced since it was read.
		desired.SetUID(live.GetUID())
	}

	if err := a.send(ctx, desired); err != nil {
		return live, fmt.Errorf("apply %s: %w", describe(desired), err)
	}

	result, err := recordOf(desired, fingerprint)
	if err != nil {
		return live, fmt.Errorf("read the managed fields of %s: %w", describe(desired), err)
	}

	a.memory.put(owner, desired, result)

	return a.convert(desired)
}

// send applies the object by server-side apply, and reads the result into it.
func (a *Applier) send(ctx context.Context, desired *unstructured.Unstructured) error {
	configuration := client.ApplyConfigurationFromUnstructured(desired)

	err := a.client.Apply(ctx, configuration, client.FieldOwner(FieldOwner), client.ForceOwnership)
	if replaced(err) {
		resource := schema.GroupResource{Group: desired.GroupVersionKind().Group, Resource: desired.GetKind()}
		return apierrors.NewConflict(resource, desired.GetName(), errors.New("it was replaced since it was read"))
	}

	return err
}

// Forget drops the records of a deleted owner.
func (a *Applier) Forget(owner client.ObjectKey) {
	a.memory.remove(owner)
}

// desired adds the owner to the rendered object. The conversion through JSON keeps unset fields out.
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

// read returns nil if the object does not exist. The cache alone cannot tell: it may lag, and it lacks objects of other
// owners. A cached object older than the last one applied is ignored.
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

// replaced reports whether the error is about a UID that does not match, and not an invalid spec: the API server calls
// both invalid.
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
