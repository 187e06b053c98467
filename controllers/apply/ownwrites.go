// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pendingWrites holds the watched changes of objects while requests that apply them are in flight. Such a change is mostly the
// effect of the request, and often arrives before the response, which is needed to recognize it.
type pendingWrites struct {
	changed func(owner client.ObjectKey)

	mu      sync.Mutex
	applied map[appliedObject]client.Object // the last change, or nil
}

type appliedObject struct {
	owner  client.ObjectKey
	object string
}

func newPendingWrites() *pendingWrites {
	return &pendingWrites{
		changed: func(client.ObjectKey) {},
		applied: map[appliedObject]client.Object{},
	}
}

// OnExternalChange sets the function that is called for an owner if [Applier.IsExternalChange] took a change of another writer
// for one of the Applier. It must be called before the first use.
func (a *Applier) OnExternalChange(changed func(owner client.ObjectKey)) { a.pending.changed = changed }

// begin announces a request.
func (w *pendingWrites) begin(owner client.ObjectKey, object string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.applied[appliedObject{owner, object}] = nil
}

// hold takes a change, if a request is in flight.
func (w *pendingWrites) hold(owner client.ObjectKey, object string, change client.Object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()

	_, held := w.applied[appliedObject{owner, object}]
	if held {
		w.applied[appliedObject{owner, object}] = change
	}

	return held
}

// end announces the result of a request, and reports the last change if it is another than that. Versions of an object grow, so
// a result that covers the last change covers all.
func (w *pendingWrites) end(owner client.ObjectKey, object string, result record) {
	w.mu.Lock()
	change := w.applied[appliedObject{owner, object}]
	delete(w.applied, appliedObject{owner, object})
	w.mu.Unlock()

	if change != nil && !result.covers(change) {
		w.changed(owner)
	}
}

// IsExternalChange reports whether a watched object differs from the object that was last applied for the owner, so the owner
// has to be reconciled. It reports true for an object that is no longer rendered, which may have to be pruned.
func (a *Applier) IsExternalChange(owner client.ObjectKey, kind string, object client.Object) bool {
	name := kind + " " + object.GetName()

	return !a.pending.hold(owner, name, object) && !a.memory.find(owner, name).covers(object)
}
