// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// TestEveryFieldHasItsPlaces names the places that lack a field: the specs that the cases of limits start from, and a sample for
// users. TestEveryFieldIsRendered in controllers/resources does so for the rendered objects, and TestDocumentedExample in
// receiver/config for the receiver's keys. TestEveryLimitIsTested and TestEveryFieldIsExplained check the limits and the text.
func TestEveryFieldHasItsPlaces(t *testing.T) {
	t.Parallel()

	var full []map[string]any
	for _, patch := range fullSpecs() {
		full = append(full, specOf(patch))
	}

	places := []struct {
		name  string
		specs []map[string]any
	}{
		{"fullSpecs in test/cel/specs_test.go", full},
		{"a file in config/samples", sampleSpecs(t)},
	}

	walk("spec", readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"], func(path string, _ schemaProps) {
		below, isBelow := strings.CutPrefix(path, "spec.")
		if !isBelow {
			return
		}

		for _, place := range places {
			if !slices.ContainsFunc(place.specs, func(spec map[string]any) bool { return has(spec, below) }) {
				t.Errorf("spec.%s is missing: add it to %s", below, place.name)
			}
		}
	})
}

// sampleSpecs returns the specs of all samples.
func sampleSpecs(t *testing.T) []map[string]any {
	t.Helper()

	files, err := filepath.Glob(root + "/config/samples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}

	var specs []map[string]any
	for _, file := range files {
		for _, object := range readObjects(t, file) {
			if object.GetKind() == v1alpha1.Kind {
				specs = append(specs, object.Object["spec"].(map[string]any))
			}
		}
	}

	return specs
}

// has reports whether a spec sets the field at path. A path such as "bird.endpoints[].method" means any element.
func has(node any, path string) bool {
	name, rest, isGroup := strings.Cut(path, ".")
	name, isElement := strings.CutSuffix(name, "[]")

	group, isMap := node.(map[string]any)
	if !isMap {
		return false
	}

	child, found := group[name]
	if !found || !isElement && !isGroup {
		return found
	}

	if !isElement {
		return has(child, rest)
	}

	list, _ := child.([]any)
	if !isGroup {
		return len(list) > 0
	}

	return slices.ContainsFunc(list, func(element any) bool { return has(element, rest) })
}
