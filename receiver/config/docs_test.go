// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentedExample parses the example in docs/receiver.md. It must name every key and show the defaults.
func TestDocumentedExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/receiver.md")
	if err != nil {
		t.Fatal(err)
	}

	_, rest, _ := strings.Cut(string(page), "```yaml tested: TestDocumentedExample\n")

	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/receiver.md has no YAML example")
	}

	got, err := Parse([]byte(example))
	if err != nil {
		t.Fatalf("the documented example is invalid: %v", err)
	}

	want := Config{
		Bird:       Bird{BaseURL: got.Bird.BaseURL, Endpoints: got.Bird.Endpoints},
		CloudAPI:   CloudAPI{PhoneNumberIDs: []string{}},
		Processing: Processing{ErrorPolicies: map[int]ErrorPolicy{}},
	}.WithDefaults()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the example does not show the defaults (-want +got):\n%s", diff)
	}

	for _, key := range keys(reflect.TypeFor[Config]()) {
		if !strings.Contains(example, key+":") {
			t.Errorf("the example lacks the key %s", key)
		}
	}
}

func keys(t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return keys(t.Elem())
	case reflect.Struct:
		var all []string
		for field := range t.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			if name == "-" {
				continue
			}

			all = append(append(all, name), keys(field.Type)...)
		}

		return all
	default:
		return nil
	}
}
