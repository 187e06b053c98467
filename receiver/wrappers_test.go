// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"reflect"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/encrypted"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

// TestWrappersHaveTheMethodsOfTheEngines fails for an optional interface of an engine, such as store.Disk, that a wrapper of the
// store hides: callers find these by type assertions.
func TestWrappersHaveTheMethodsOfTheEngines(t *testing.T) {
	wrappers := []reflect.Type{
		reflect.TypeFor[*encrypted.Store](),
		reflect.TypeOf(metrics.New(clockwork.NewFakeClock()).CountStore(nil)),
	}

	for _, engine := range []reflect.Type{reflect.TypeFor[*sqlite.Store](), reflect.TypeFor[*postgres.Store]()} {
		for _, wrapper := range wrappers {
			for method := range engine.Methods() {
				found, ok := wrapper.MethodByName(method.Name)
				if !ok || signature(found) != signature(method) {
					t.Errorf("%v has no method %s%s, as %v has", wrapper, method.Name, signature(method), engine)
				}
			}
		}
	}

	for _, optional := range []reflect.Type{
		reflect.TypeFor[store.Disk](),
		reflect.TypeFor[store.Checker](),
		reflect.TypeFor[store.BackedUp](),
	} {
		for _, wrapper := range wrappers {
			if !wrapper.Implements(optional) {
				t.Errorf("%v does not implement %v", wrapper, optional)
			}
		}
	}
}

// signature returns the parameters and results of a method, without its receiver.
func signature(method reflect.Method) string {
	of := method.Type

	var in, out []reflect.Type
	for i := 1; i < of.NumIn(); i++ {
		in = append(in, of.In(i))
	}

	for result := range of.Outs() {
		out = append(out, result)
	}

	return reflect.FuncOf(in, out, of.IsVariadic()).String()[len("func"):]
}
