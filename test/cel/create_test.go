// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"fmt"
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

// specCases returns the cases of creating a resource.
func specCases() []specCase {
	all := []specCase{{name: "no spec", field: "spec", message: "Required value"}}
	for i, patch := range append([]string{"{}"}, fullSpecs()...) {
		all = append(all, specCase{name: fmt.Sprintf("full %d", i), spec: specOf(patch)})
	}

	return append(append(all, ruleCases()...), limitCases()...)
}
