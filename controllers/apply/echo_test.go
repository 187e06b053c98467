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

// TestEchoes has a watch return changes of an object while a request applies it, and after the response.
func TestEchoes(t *testing.T) {
	t.Parallel()

	type change struct {
		uid     types.UID
		version string
	}

	applied := record{uid: "a", resourceVersion: "10"}

	for name, test := range map[string]struct {
		during  []change // of the request
		result  record
		after   []change
		forgets bool // the object is no longer rendered
		late    bool // the owner is reconciled because of a change during the request
		news    bool // the owner is reconciled because of a change after it
	}{
		"echo before the response":         {during: []change{{"a", "10"}}, result: applied},
		"echo after the response":          {result: applied, after: []change{{"a", "10"}}},
		"version before ours, delayed":     {result: applied, after: []change{{"a", "9"}}},
		"version before ours, then echo":   {during: []change{{"a", "9"}, {"a", "10"}}, result: applied},
		"change by another after our own":  {result: applied, after: []change{{"a", "11"}}, news: true},
		"another's change before response": {during: []change{{"a", "10"}, {"a", "11"}}, result: applied, late: true},
		"replaced":                         {result: applied, after: []change{{"b", "12"}}, news: true},
		"replaced before the response":     {during: []change{{"b", "12"}}, result: applied, late: true},
		"request failed":                   {during: []change{{"a", "9"}}, late: true},
		"request failed without a change":  {},
		"no longer rendered":               {result: applied, forgets: true, after: []change{{"a", "10"}}, news: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			owner := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "sales"}}
			key := client.ObjectKeyFromObject(owner)
			late := false

			a := &Applier{memory: newMemory(), echoes: newEchoes()}
			a.OnNews(func(changed client.ObjectKey) { late = changed == key })

			isNews := func(c change) bool {
				return a.IsNews(key, "Service", &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
					Namespace:       "shop",
					Name:            "sales",
					UID:             c.uid,
					ResourceVersion: c.version,
				}})
			}

			object := &unstructured.Unstructured{}
			object.SetKind("Service")
			object.SetName("sales")

			a.echoes.begin(key, describe(object))

			for _, c := range test.during {
				if isNews(c) {
					t.Errorf("%v is news before the response", c)
				}
			}

			if test.result.uid != "" {
				a.memory.put(owner, object, test.result)
			}

			a.echoes.end(key, describe(object), test.result)

			if test.forgets {
				a.memory.keep(owner, nil)
			}

			news := false
			for _, c := range test.after {
				news = news || isNews(c)
			}

			if late != test.late || news != test.news {
				t.Errorf("reconciled after the response: %t, after a later change: %t; want %t, %t", late, news, test.late, test.news)
			}

			if len(a.echoes.applied) > 0 {
				t.Errorf("%d requests are remembered", len(a.echoes.applied))
			}
		})
	}
}
