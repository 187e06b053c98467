// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestExternalChanges has a watch return changes of an object while a request applies it, and after the response.
func TestExternalChanges(t *testing.T) {
	t.Parallel()

	type change struct {
		uid     types.UID
		version string
	}

	applied := record{uid: "a", resourceVersion: "10"}

	for name, test := range map[string]struct {
		during   []change // of the request
		result   record
		after    []change
		forgets  bool // the object is no longer rendered
		late     bool // the owner is reconciled because of a change during the request
		external bool // the owner is reconciled because of a change after it
	}{
		"own change before the response":    {during: []change{{"a", "10"}}, result: applied},
		"own change after the response":     {result: applied, after: []change{{"a", "10"}}},
		"version before ours, delayed":      {result: applied, after: []change{{"a", "9"}}},
		"version before ours, then our own": {during: []change{{"a", "9"}, {"a", "10"}}, result: applied},
		"change by another after our own":   {result: applied, after: []change{{"a", "11"}}, external: true},
		"another's change before response":  {during: []change{{"a", "10"}, {"a", "11"}}, result: applied, late: true},
		"replaced":                          {result: applied, after: []change{{"b", "12"}}, external: true},
		"replaced before the response":      {during: []change{{"b", "12"}}, result: applied, late: true},
		"request failed":                    {during: []change{{"a", "9"}}, late: true},
		"request failed without a change":   {},
		"no longer rendered":                {result: applied, forgets: true, after: []change{{"a", "10"}}, external: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			owner := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "sales"}}
			key := client.ObjectKeyFromObject(owner)
			late := false

			a := &Applier{memory: newMemory(), pending: newPendingWrites()}
			a.OnExternalChange(func(changed client.ObjectKey) { late = changed == key })

			isExternal := func(c change) bool {
				return a.IsExternalChange(key, "Service", &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
					Namespace:       "shop",
					Name:            "sales",
					UID:             c.uid,
					ResourceVersion: c.version,
				}})
			}

			object := &unstructured.Unstructured{}
			object.SetKind("Service")
			object.SetName("sales")

			a.pending.begin(key, describe(object))

			for _, c := range test.during {
				if isExternal(c) {
					t.Errorf("%v is external before the response", c)
				}
			}

			if test.result.uid != "" {
				a.memory.put(owner, object, test.result)
			}

			a.pending.end(key, describe(object), test.result)

			if test.forgets {
				a.memory.keep(owner, nil)
			}

			external := false
			for _, c := range test.after {
				external = external || isExternal(c)
			}

			if late != test.late || external != test.external {
				t.Errorf("reconciled after the response: %t, after a later change: %t; want %t, %t", late, external, test.late, test.external)
			}

			if len(a.pending.applied) > 0 {
				t.Errorf("%d requests are remembered", len(a.pending.applied))
			}
		})
	}
}
