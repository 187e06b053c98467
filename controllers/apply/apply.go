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

	"github.com/jonboulle/clockwork"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// FieldOwner is the operator's field manager. It never changes: fields of a previous name would stay behind.
const FieldOwner = "whatsapp-webhook-operator"

// Applier applies and prunes the objects of any number of owners. It is safe for concurrent use.
type Applier struct {
	client  client.Client
	live    client.Reader
	clock   clockwork.Clock
	typed   map[schema.GroupVersionKind]bool
	memory  memory
	pending *pendingWrites
}

// New returns an Applier that reads through c, which may be cached and limited to objects of the operator, and falls back
// to live. Neither may strip the entry of [FieldOwner] in managedFields. Objects of the typed kinds are read completely,
// as the Go types of the client's scheme; of other kinds only the metadata is read.
func New(c client.Client, live client.Reader, clock clockwork.Clock, typed ...schema.GroupVersionKind) *Applier {
	a := &Applier{
		client:  c,
		live:    live,
		clock:   clock,
		typed:   map[schema.GroupVersionKind]bool{},
		memory:  newMemory(),
		pending: newPendingWrites(),
	}
	for _, gvk := range typed {
		a.typed[gvk] = true
	}

	return a
}

// ErrExists means that the object of a target exists although no reader found it: it was created meanwhile, or the cache
// lacks it. Nothing was written.
var ErrExists = errors.New("the object exists already")

// Apply applies the rendered object of a target, and returns the result: the complete object or its metadata, see [New].
// With an error it returns the object as it was. The error wraps that of the API server, or is [ErrExists]. An object that
// another operator writes again and again stays as it is for a while, see [Applier.Contested].
func (a *Applier) Apply(ctx context.Context, target *Target) (client.Object, error) {
	d, err := desiredOf(target)
	if err != nil {
		return target.Live, err
	}

	var current record
	if target.Live != nil {
		current, err = recordOf(target.Live, d.identity.GroupVersionKind(), d.fingerprint)
		if err != nil {
			return target.Live, fmt.Errorf("read the managed fields of %s: %w", describe(d.identity), err)
		}

		if target.known.same(current) || !a.mayApply(target, d.identity, current) {
			return target.Live, nil
		}
	}

	// What this write changes shows what another operator has written, if nobody changes the object meanwhile.
	suspected := target.known.maybeOverwritten(current)

	applied, result, err := a.write(ctx, d, suspected)
	if suspected && apierrors.IsConflict(err) {
		suspected = false
		applied, result, err = a.write(ctx, d, false)
	}

	if apierrors.IsInvalid(err) && target.Live != nil && d.identity.GetKind() != "PersistentVolumeClaim" {
		suspected = false
		applied, result, err = a.writeReclaimed(ctx, d, err)
	}

	if err != nil {
		return target.Live, err
	}

	if suspected && current.version != result.version {
		a.overwritten(client.ObjectKeyFromObject(target.owner), describe(d.identity))
	}

	return applied, nil
}

// desiredObject is the object to write to a target.
type desiredObject struct {
	target      *Target
	identity    *unstructured.Unstructured // kind and name, without the content
	rendered    []byte                     // the whole object, as JSON
	fingerprint [sha256.Size]byte          // of the owner and of the rendered object
}

func desiredOf(target *Target) (*desiredObject, error) {
	identity := identityOf(target.rendered)

	rendered, err := json.Marshal(target.rendered)
	if err != nil {
		return nil, fmt.Errorf("marshal %s: %w", describe(identity), err)
	}

	return &desiredObject{
		target:      target,
		identity:    identity,
		rendered:    rendered,
		fingerprint: sha256.Sum256(append([]byte(target.owner.GetUID()), rendered...)),
	}, nil
}

// write applies the object, and returns the result and its record. If the object must be unchanged, the write is refused as a
// conflict after any change since it was read.
func (a *Applier) write(ctx context.Context, d *desiredObject, unchanged bool) (applied client.Object, result record, err error) {
	owner := client.ObjectKeyFromObject(d.target.owner)
	name := describe(d.identity)

	body, err := a.body(d.target, d.rendered, unchanged)
	if err != nil {
		return nil, record{}, fmt.Errorf("complete %s: %w", name, err)
	}

	a.pending.begin(owner, name)
	defer func() { a.pending.end(owner, name, result) }()

	applied, err = a.send(ctx, d.identity, body)
	if err != nil {
		if d.target.Live == nil && apierrors.IsConflict(err) {
			err = fmt.Errorf("%w: %w", ErrExists, err)
		}

		return nil, record{}, fmt.Errorf("apply %s: %w", name, err)
	}

	result, err = recordOf(applied, d.identity.GroupVersionKind(), d.fingerprint)
	if err != nil {
		return nil, record{}, fmt.Errorf("read the managed fields of %s: %w", name, err)
	}

	a.memory.put(d.target.owner, d.identity, result)

	return applied, result, nil
}

// mayApply reports whether an object that differs from the rendered one may be written now. It counts the writes of another
// operator, and limits how often they are reverted.
func (a *Applier) mayApply(target *Target, desired *unstructured.Unstructured, current record) bool {
	owner := client.ObjectKeyFromObject(target.owner)

	overwritten := target.known.overwritten(current)
	if overwritten {
		a.overwritten(owner, describe(desired))
	}

	_, contested := a.Contested(owner)
	held := target.known.foreign && target.known.rendered == current.rendered
	suspected := contested && target.known.maybeOverwritten(current)

	if !overwritten && !held && !suspected || a.mayRevert(owner) {
		return true
	}

	current.foreign = true
	a.memory.put(target.owner, desired, current)

	return false
}

// versionOfNone is a resource version that no object has, since etcd counts from 2. An apply with it creates an object, and is
// refused as a conflict if there is one.
const versionOfNone = "1"

// send applies the object by server-side apply. The response has what [Applier.Prototype] holds of the kind, and no more.
func (a *Applier) send(ctx context.Context, desired *unstructured.Unstructured, body []byte) (client.Object, error) {
	kind := desired.GroupVersionKind()

	applied, err := a.Prototype(kind)
	if err != nil {
		return nil, err
	}

	applied.SetNamespace(desired.GetNamespace())
	applied.SetName(desired.GetName())

	patch := client.RawPatch(types.ApplyPatchType, body)

	err = a.client.Patch(ctx, applied, patch, client.FieldOwner(FieldOwner), client.ForceOwnership)
	if replaced(err) {
		resource := schema.GroupResource{Group: kind.Group, Resource: kind.Kind}
		return nil, apierrors.NewConflict(resource, desired.GetName(), errors.New("it was replaced since it was read"))
	}

	if err != nil {
		return nil, err
	}

	applied.GetObjectKind().SetGroupVersionKind(kind) // a typed response has none

	return applied, nil
}

// Forget drops the records of a deleted owner.
func (a *Applier) Forget(owner client.ObjectKey) {
	a.memory.remove(owner)
}

// body returns the body of the request: the rendered object, its owner unless the object outlives the owner, and the
// precondition on the object in the cluster. The precondition is the UID that was read, and with unchanged also the resource
// version.
func (a *Applier) body(target *Target, rendered []byte, unchanged bool) ([]byte, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(rendered); err != nil {
		return nil, fmt.Errorf("unmarshal the rendered object: %w", err)
	}

	if !resources.IsRetained(object.GetKind(), object.GetLabels()) {
		if err := controllerutil.SetControllerReference(target.owner, object, a.client.Scheme()); err != nil {
			return nil, fmt.Errorf("set its owner: %w", err)
		}
	}

	if target.Live == nil {
		object.SetResourceVersion(versionOfNone)

		return object.MarshalJSON()
	}

	// The API server rejects the request if the object has been replaced since it was read.
	object.SetUID(target.Live.GetUID())

	if unchanged {
		object.SetResourceVersion(target.Live.GetResourceVersion())
	}

	return object.MarshalJSON()
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
