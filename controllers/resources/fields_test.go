// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// TestEveryFieldIsRendered removes each field of each case in turn, and checks that the result changes. It also fails on a
// field that no case sets.
func TestEveryFieldIsRendered(t *testing.T) {
	seen := map[string]bool{}
	forEachCase(t, func(t *testing.T, _ string, webhook *v1alpha1.WhatsAppWebhook) {
		complete := text(t, render(t, webhook))
		for _, less := range withoutEach(t, webhook) {
			seen[less.path] = true
			if less.path == suspend {
				continue
			}

			params, err := resources.NewParams(less.webhook, environment)
			if err != nil {
				continue // the receiver rejects it, so the field reaches the receiver
			}

			if text(t, resources.Render(params)) == complete {
				t.Errorf("removing spec.%s changes nothing", less.path)
			}
		}
	})

	for _, path := range fields(reflect.TypeFor[v1alpha1.WhatsAppWebhookSpec](), "") {
		if !seen[path] && path != suspend {
			t.Errorf("spec.%s is missing: add it to an in.yaml in controllers/resources/testdata, and run 'make golden'", path)
		}
	}
}

// suspend is the field that changes no object: the reconciler reads it.
const suspend = "suspend"

// without is a resource without one field.
type without struct {
	path    string
	webhook *v1alpha1.WhatsAppWebhook
}

// withoutEach returns the resource without each of its fields. Elements of a list have the path of the list. A value of a
// type outside the API counts as a single field.
func withoutEach(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) []without {
	t.Helper()

	data, err := json.Marshal(webhook)
	if err != nil {
		t.Fatal(err)
	}

	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}

	own := fields(reflect.TypeFor[v1alpha1.WhatsAppWebhookSpec](), "")

	var (
		all  []without
		walk func(node any, path string)
	)

	walk = func(node any, path string) {
		switch node := node.(type) {
		case []any:
			for _, element := range node {
				walk(element, path)
			}
		case map[string]any:
			for _, key := range slices.Collect(maps.Keys(node)) {
				below := strings.TrimPrefix(path+"."+key, ".")
				if !slices.Contains(own, below) {
					continue
				}

				value := node[key]
				delete(node, key)

				data, err := json.Marshal(tree)
				if err != nil {
					t.Fatal(err)
				}

				one := without{below, &v1alpha1.WhatsAppWebhook{}}
				if err := json.Unmarshal(data, one.webhook); err != nil {
					t.Fatal(err)
				}

				all = append(all, one)
				node[key] = value
				walk(value, below)
			}
		}
	}
	walk(tree["spec"], "")

	return all
}

// fields returns the paths of all fields of a type of the API, including nested types.
func fields(of reflect.Type, path string) []string {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}

	if of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[v1alpha1.WhatsAppWebhookSpec]().PkgPath() {
		return nil
	}

	var paths []string
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		below := strings.TrimPrefix(path+"."+name, ".")
		paths = append(append(paths, below), fields(field.Type, below)...)
	}

	return paths
}
