// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// echoes hold what a watch returned of objects while requests that apply them were in flight. Such a change is mostly an echo
// of the request, and often arrives before the response, by which alone it can be recognized.
type echoes struct {
	changed func(owner client.ObjectKey)

	mu      sync.Mutex
	applied map[appliedObject]client.Object // the last change, or nil
}

type appliedObject struct {
	owner  client.ObjectKey
	object string
}

func newEchoes() *echoes {
	return &echoes{
		changed: func(client.ObjectKey) {},
		applied: map[appliedObject]client.Object{},
	}
}

// OnNews sets the function that is called for an owner if [Applier.IsNews] took a change for an echo that was none. It must be
// called before the first use.
func (a *Applier) OnNews(changed func(owner client.ObjectKey)) { a.echoes.changed = changed }

// begin announces a request.
func (e *echoes) begin(owner client.ObjectKey, object string) {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.applied[appliedObject{owner, object}] = nil
}

// hold takes a change, if a request is in flight.
func (e *echoes) hold(owner client.ObjectKey, object string, change client.Object) bool {
	e.mu.Lock()
	defer e.mu.Unlock()

	_, held := e.applied[appliedObject{owner, object}]
	if held {
		e.applied[appliedObject{owner, object}] = change
	}

	return held
}

// end announces the result of a request, and reports the last change if it is another than that. Versions of an object grow, so
// a result that covers the last change covers all.
func (e *echoes) end(owner client.ObjectKey, object string, result record) {
	e.mu.Lock()
	change := e.applied[appliedObject{owner, object}]
	delete(e.applied, appliedObject{owner, object})
	e.mu.Unlock()

	if change != nil && !result.covers(change) {
		e.changed(owner)
	}
}

// IsNews reports whether a watched object is another than what was applied last for the owner: then the owner has to be
// reconciled. An object that is no longer rendered is news, since it may have to be pruned.
func (a *Applier) IsNews(owner client.ObjectKey, kind string, object client.Object) bool {
	name := kind + " " + object.GetName()

	return !a.echoes.hold(owner, name, object) && !a.memory.find(owner, name).covers(object)
}
