// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Some fields exclude each other, such as the handlers of a probe or the sources of a volume. If another manager replaces one
// that the operator sets by another, an apply would leave both, and the API server rejects it. A field is removed by an apply
// of its only owner that leaves it out, so the operator becomes that owner first.

const undoTimeout = 10 * time.Second

// writeReclaimed applies an object that the API server rejected, without the fields by which other managers made it invalid. If
// that does not help, these fields stay, and it returns the error of the rejection. It tries once for the same rejection of the same
// rendered object: each attempt changes the object, which leads to the next reconciliation.
func (a *Applier) writeReclaimed(ctx context.Context, d *desiredObject, rejected error) (client.Object, record, error) {
	owner := d.target.owner

	rejection := digest(d.fingerprint, rejected)
	if a.memory.isRejected(owner, d.identity, rejection) {
		return nil, record{}, rejected
	}

	for _, beside := range []bool{false, true} {
		undo, err := a.reclaim(ctx, d.identity, rejected, beside)
		if err != nil {
			return nil, record{}, errors.Join(rejected, err)
		}

		if undo == nil {
			continue
		}

		applied, result, err := a.write(ctx, d, false)
		if err == nil {
			return applied, result, nil
		}

		if err := undo(); err != nil {
			return nil, record{}, errors.Join(rejected, err)
		}
	}

	a.memory.reject(owner, d.identity, rejection)

	return nil, record{}, rejected
}

// digest returns a hash of a rendered object and of the fields for which it was rejected.
func digest(rendered [sha256.Size]byte, rejected error) [sha256.Size]byte {
	var fields []string
	for _, fault := range faultsOf(rejected, false) {
		fields = append(fields, strings.Join(fault.names, "."))
	}

	slices.Sort(fields) // the API server finds the entries of a map in any order

	return sha256.Sum256(append(rendered[:], strings.Join(fields, "\n")...))
}

// reclaim makes the operator the only owner of the fields in and below those that the API server rejected. If beside is true, it
// adds those beside the rejected ones. It returns the function that undoes it, or nil if there is no such field.
func (a *Applier) reclaim(ctx context.Context, desired *unstructured.Unstructured, rejected error, beside bool) (undo func() error, err error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(desired.GroupVersionKind())

	if err := a.live.Get(ctx, client.ObjectKeyFromObject(desired), live); err != nil {
		return nil, fmt.Errorf("read the owners of its fields: %w", err)
	}

	before := live.GetManagedFields()

	after, err := reclaimed(before, live.Object, faultsOf(rejected, beside))
	if err != nil || after == nil {
		return nil, err
	}

	if err := a.setOwners(ctx, live, after); err != nil {
		return nil, err
	}

	return func() error {
		// The former owners return also while the operator ends.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()

		return a.setOwners(ctx, live, before)
	}, nil
}

// setOwners replaces the owners of an object's fields, unless the object has changed since it was read.
func (a *Applier) setOwners(ctx context.Context, live *unstructured.Unstructured, owners []metav1.ManagedFieldsEntry) error {
	body, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": owners},
		{"op": "replace", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()},
	})
	if err != nil {
		return fmt.Errorf("marshal the owners of its fields: %w", err)
	}

	if err := a.client.Patch(ctx, live, client.RawPatch(types.JSONPatchType, body), client.FieldOwner(FieldOwner)); err != nil {
		return fmt.Errorf("change the owners of its fields: %w", err)
	}

	return nil
}

// reclaimed returns the owners of an object's fields with those at fault moved to the operator, or nil if there are none to move.
func reclaimed(owners []metav1.ManagedFieldsEntry, object map[string]any, faults []fault) ([]metav1.ManagedFieldsEntry, error) {
	sets := make([]*fieldpath.Set, len(owners))
	for i, entry := range owners {
		sets[i] = &fieldpath.Set{}

		if entry.FieldsV1 == nil {
			continue
		}

		if err := sets[i].FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())); err != nil {
			return nil, fmt.Errorf("unmarshal the fields of %s: %w", entry.Manager, err)
		}
	}

	own := slices.IndexFunc(owners, isOurs)
	if own < 0 {
		return nil, nil
	}

	moved := defaulted(object, faults)

	for i, entry := range owners {
		if i == own || entry.Subresource != "" {
			continue
		}

		for path := range sets[i].All() {
			if isAtFault(path, faults, sets[own], object) {
				moved.Insert(path.Copy())
			}
		}

		sets[i] = sets[i].Difference(moved)
	}

	if moved.Difference(sets[own]).Empty() {
		return nil, nil
	}

	sets[own] = sets[own].Union(moved)

	return withFields(owners, sets)
}

// withFields returns the owners with other fields, without those that own none.
func withFields(owners []metav1.ManagedFieldsEntry, sets []*fieldpath.Set) ([]metav1.ManagedFieldsEntry, error) {
	var changed []metav1.ManagedFieldsEntry

	for i, entry := range owners {
		if sets[i].Empty() {
			continue
		}

		fields, err := sets[i].ToJSON()
		if err != nil {
			return nil, fmt.Errorf("marshal the fields of %s: %w", entry.Manager, err)
		}

		entry.FieldsV1 = metav1.NewFieldsV1(string(fields))
		changed = append(changed, entry)
	}

	return changed, nil
}

// defaulted returns the fields below a fault, which have no owner if the API server set them by default. It looks at no item of a
// list.
func defaulted(object map[string]any, faults []fault) *fieldpath.Set {
	set := fieldpath.NewSet()

	for _, fault := range faults {
		found, ok, err := unstructured.NestedFieldNoCopy(object, fault.names...)
		if fields, isStruct := found.(map[string]any); err == nil && ok && isStruct && len(fault.names) > 1 {
			for name := range fields {
				set.Insert(pathOf(append(slices.Clone(fault.names), name)))
			}
		}
	}

	return set
}

func pathOf(names []string) fieldpath.Path {
	var path fieldpath.Path
	for _, name := range names {
		path = append(path, fieldpath.FieldNameElement(name))
	}

	return path
}
