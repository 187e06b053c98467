// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// specCase is a spec that the API server must accept, or reject for one reason.
//
// Specs are trees rather than Go types, because the Go types omit zeros and so cannot express many invalid specs.
type specCase struct {
	name    string
	spec    map[string]any
	field   string // the rejected field, with [] for any element: "spec.bird.endpoints[].path"
	message string // part of the rejection's message; "" if the spec is valid
}

func TestCreateIsValidated(t *testing.T) {
	t.Parallel()

	namespace := server.NewNamespace(t)
	for _, test := range specCases() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			object := newObject(v1alpha1.SchemeGroupVersion, namespace, test.spec)
			wantCause(t, strict().Create(t.Context(), object, client.DryRunAll), test.field, test.message)
		})
	}
}

// TestEmptyGroupsAreAccepted leaves each group of optional fields empty. Templates render empty groups, and removing the last
// field of a group leaves an empty one behind.
func TestEmptyGroupsAreAccepted(t *testing.T) {
	t.Parallel()

	namespace := server.NewNamespace(t)
	create := func(spec map[string]any) error {
		return strict().Create(t.Context(), newObject(v1alpha1.SchemeGroupVersion, namespace, spec), client.DryRunAll)
	}

	groups := 0
	walk("spec", readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"], func(path string, schema schemaProps) {
		below, isBelow := strings.CutPrefix(path, "spec.")
		if !isBelow || schema.Type != "object" || len(schema.Required) > 0 || strings.Contains(below, "[]") {
			return
		}

		groups++

		if err := create(specWith(below, map[string]any{})); err != nil {
			t.Errorf("%s is empty: %v", below, err)
		}

		// Its parents may require their own fields.
		alone := specOf("{}")
		if parent, _, isNested := strings.Cut(below, "."); isNested && alone[parent] == nil {
			return
		}

		merge(alone, tree(strings.ReplaceAll(below, ".", ": {")+": {}"+strings.Repeat("}", strings.Count(below, "."))))

		if err := create(alone); err != nil {
			t.Errorf("%s is empty, and the only field besides the required ones: %v", below, err)
		}
	})

	if groups < 30 {
		t.Errorf("the schema has %d groups of optional fields: the walk missed some", groups)
	}
}

// specCases returns the cases of creating a resource.
func specCases() []specCase {
	all := []specCase{{name: "no spec", field: "spec", message: "Required value"}}
	for i, patch := range append([]string{"{}"}, fullSpecs()...) {
		all = append(all, specCase{name: fmt.Sprintf("full %d", i), spec: specOf(patch)})
	}

	return append(append(all, ruleCases()...), limitCases()...)
}
