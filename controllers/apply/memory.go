// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// record describes an applied object, to decide whether applying it again would change anything.
//
// It would not as long as the rendered object and the fields we own are the same: a manager that changes the value of one
// of our fields takes over its ownership. This holds however the API server defaults, normalizes or mutates the object,
// which a comparison of values would have to reproduce. Another operator has our name, so its changes show elsewhere: in the
// time of our entry, which is in seconds, and in the version.
type record struct {
	uid             types.UID
	resourceVersion string
	version         string // changes with every change of the spec, and more often for kinds that have no generation
	rendered        [sha256.Size]byte
	owned           [sha256.Size]byte
	written         time.Time // by us, or under our name
	foreign         bool      // written under our name by another operator
}

func (r record) same(other record) bool {
	return !r.foreign && r.uid == other.uid && r.version == other.version &&
		r.rendered == other.rendered && r.owned == other.owned && r.written.Equal(other.written)
}

// overwritten reports whether another operator has written the object since the record was made, as current shows.
func (r record) overwritten(current record) bool {
	return r.uid == current.uid && r.rendered == current.rendered && current.written.After(r.written)
}

// maybeOverwritten reports whether another operator may have written the object in the second of our own write. Whether it
// has shows only in what applying the same again changes.
func (r record) maybeOverwritten(current record) bool {
	return r.uid != "" && r.uid == current.uid && r.rendered == current.rendered && r.owned == current.owned &&
		r.written.Equal(current.written) && !r.foreign
}

// covers reports whether the object is the recorded version or one before it.
func (r record) covers(object client.Object) bool {
	order, err := resourceversion.CompareResourceVersion(object.GetResourceVersion(), r.resourceVersion)

	return err == nil && order <= 0 && object.GetUID() == r.uid
}

// newerThan reports whether the object is a version before the recorded one.
func (r record) newerThan(object client.Object) bool {
	order, err := resourceversion.CompareResourceVersion(object.GetResourceVersion(), r.resourceVersion)

	return err == nil && order < 0 && object.GetUID() == r.uid
}

func recordOf(object client.Object, kind schema.GroupVersionKind, rendered [sha256.Size]byte) (record, error) {
	r := record{
		uid:             object.GetUID(),
		resourceVersion: object.GetResourceVersion(),
		version:         strconv.FormatInt(object.GetGeneration(), 10),
		rendered:        rendered,
	}
	if kind.Group == "" { // these kinds have no generation, and rarely a status that changes
		r.version = r.resourceVersion
	}

	for _, entry := range object.GetManagedFields() {
		if !isOurs(entry) || entry.FieldsV1 == nil {
			continue
		}

		if entry.Time != nil {
			r.written = entry.Time.Time
		}

		// The order of keys differs between a typed and an unstructured object.
		var fields any
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			return record{}, fmt.Errorf("unmarshal: %w", err)
		}

		ordered, err := json.Marshal(fields)
		if err != nil {
			return record{}, fmt.Errorf("marshal: %w", err)
		}

		r.owned = sha256.Sum256(ordered)
	}

	return r, nil
}

// memory holds a record for each object of each owner. It starts empty, so the first reconciliation after a restart
// applies every object once, which the API server treats as no change.
type memory struct {
	mu         *sync.Mutex
	owners     map[client.ObjectKey]map[string]record
	rejections map[client.ObjectKey]map[string][sha256.Size]byte // see [Applier.writeReclaimed]
	contests   map[client.ObjectKey]contest
}

func newMemory() memory {
	return memory{
		mu:         new(sync.Mutex),
		owners:     map[client.ObjectKey]map[string]record{},
		rejections: map[client.ObjectKey]map[string][sha256.Size]byte{},
		contests:   map[client.ObjectKey]contest{},
	}
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
	delete(m.rejections[key], describe(object))
}

// isRejected reports whether reject was called with the same rejection, and the object has not been written since.
func (m memory) isRejected(owner client.Object, object *unstructured.Unstructured, rejection [sha256.Size]byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()

	known, ok := m.rejections[client.ObjectKeyFromObject(owner)][describe(object)]

	return ok && known == rejection
}

func (m memory) reject(owner client.Object, object *unstructured.Unstructured, rejection [sha256.Size]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()

	key := client.ObjectKeyFromObject(owner)
	if m.rejections[key] == nil {
		m.rejections[key] = map[string][sha256.Size]byte{}
	}

	m.rejections[key][describe(object)] = rejection
}

// keep removes the records of all objects of the owner but the given ones.
func (m memory) keep(owner client.Object, objects map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()

	key := client.ObjectKeyFromObject(owner)
	maps.DeleteFunc(m.owners[key], func(object string, _ record) bool { return !objects[object] })
	maps.DeleteFunc(m.rejections[key], func(object string, _ [sha256.Size]byte) bool { return !objects[object] })
}

// find returns the record of an object by its kind and name.
func (m memory) find(owner client.ObjectKey, object string) record {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.owners[owner][object]
}

func (m memory) remove(owner client.ObjectKey) {
	m.mu.Lock()
	defer m.mu.Unlock()

	delete(m.owners, owner)
	delete(m.rejections, owner)
	delete(m.contests, owner)
}

func (m memory) contest(owner client.ObjectKey) contest {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.contests[owner]
}

func (m memory) setContest(owner client.ObjectKey, c contest) {
	m.mu.Lock()
	defer m.mu.Unlock()

	m.contests[owner] = c
}
