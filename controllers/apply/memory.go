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

// record describes an applied object, to decide whether applying it again would change anything.
//
// It would not as long as the rendered object and the fields we own are the same: a manager that changes the value of one
// of our fields takes over its ownership. This holds however the API server defaults, normalizes or mutates the object,
// which a comparison of values would have to reproduce.
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
		applied := entry.Manager == FieldOwner && entry.Operation == metav1.ManagedFieldsOperationApply
		if !applied || entry.Subresource != "" || entry.FieldsV1 == nil {
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
// applies every object once, which the API server treats as no change.
type memory struct {
	mu     *sync.Mutex
	owners map[client.ObjectKey]map[string]record
}

func newMemory() memory {
	return memory{mu: new(sync.Mutex), owners: map[client.ObjectKey]map[string]record{}}
}

// get returns the record of an object, or the zero record, which equals no other.
func (m memory) get(owner client.Object, object *unstructured.Unstructured) record {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.owners[client.ObjectKeyFromObject(owner)][describe(object)]
}

func (m memory) put(owner client.Object, object *unstructured.Unstructured, r record) {
	m.mu.Lock()
	defer m.mu.Unlock()

	key := client.ObjectKeyFromObject(owner)
	if m.owners[key] == nil {
		m.owners[key] = map[string]record{}
	}

	m.owners[key][describe(object)] = r
}

func (m memory) remove(owner client.ObjectKey) {
	m.mu.Lock()
	defer m.mu.Unlock()

	delete(m.owners, owner)
}
