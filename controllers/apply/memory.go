// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// record is what there is to know of an applied object to tell whether applying it again would change anything.
//
// It would not while the same is rendered, and we still own the same fields: whoever changes the value of a field of
// ours takes the field from us. That holds however the API server defaults, normalises or mutates what it was sent,
// which a comparison of values would have to follow.
type record struct {
	uid        types.UID
	rendered   [sha256.Size]byte
	owned      [sha256.Size]byte
	generation int64
}

func (r record) same(other record) bool {
	return r.uid == other.uid && r.rendered == other.rendered && r.owned == other.owned
}

func recordOf(object client.Object, rendered [sha256.Size]byte) (record, error) {
	r := record{
		uid:        object.GetUID(),
		rendered:   rendered,
		generation: object.GetGeneration(),
	}
	for _, entry := range object.GetManagedFields() {
		if entry.Manager != FieldOwner || entry.Operation != metav1.ManagedFieldsOperationApply || entry.Subresource != "" || entry.FieldsV1 == nil {
			continue
		}
		// The order of keys differs between a typed and an unstructured object.
		var fields any
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			return record{}, fmt.Errorf("unmarshal: %w", err)
		}

		var err error
		if r.owned, err = fingerprintOf(fields); err != nil {
			return record{}, err
		}
	}

	return r, nil
}

// memory holds a record for each object of each owner. It starts empty, so the first reconciliation after a restart
// applies everything once, which the API server finds to be no change.
type memory struct {
	mu     *sync.Mutex
	owners map[client.ObjectKey]map[string]record
}

func newMemory() memory {
	return memory{mu: new(sync.Mutex), owners: map[client.ObjectKey]map[string]record{}}
}

// recall returns the zero record, which is the same as no other, for what is not known.
func (m memory) recall(owner client.Object, object *unstructured.Unstructured) record {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.owners[client.ObjectKeyFromObject(owner)][describe(object)]
}

func (m memory) remember(owner client.Object, object *unstructured.Unstructured, r record) {
	m.mu.Lock()
	defer m.mu.Unlock()

	key := client.ObjectKeyFromObject(owner)
	if m.owners[key] == nil {
		m.owners[key] = map[string]record{}
	}

	m.owners[key][describe(object)] = r
}

func (m memory) forget(owner client.ObjectKey) {
	m.mu.Lock()
	defer m.mu.Unlock()

	delete(m.owners, owner)
}
