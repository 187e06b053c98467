// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

func TestName(t *testing.T) {
	tests := map[string]string{
		"sales": "sales",
		"fifty-two-characters-are-still-the-name-of-a-resource": "fifty-two-characters-are-still-the-name-o-50b645ba6a",
		"sales.eu":             "sales-eu-d6cd8bd833",
		"24h":                  "w24h-0b509e6d4c",
		"sales-admin":          "sales-admin-e3f37c1861",
		"sales-eu-d6cd8bd833":  "sales-eu-d6cd8bd833-6a11976098",
		"sales--queue":         "sales--queue-24f739cf25",
		"support-4155550100":   "support-4155550100",
		"admin":                "admin",
		"administration-sales": "administration-sales",
	}
	for resource, want := range tests {
		if got := resources.Name(resource); got != want {
			t.Errorf("Name(%q) = %q; want %q", resource, got, want)
		}
	}
}

// TestNamesOfObjectsDiffer renders two resources of a namespace with every feature. The names are made of parts that are
// close to names of objects.
func TestNamesOfObjectsDiffer(t *testing.T) {
	var cases []*v1alpha1.WhatsAppWebhook
	for _, name := range []string{"full", "monitoring", "network-policy", "gateway-messages", "autoscaling-keda", "minimal"} {
		cases = append(cases, read(t, filepath.Join("testdata", name)))
	}

	part := rapid.SampledFrom([]string{
		"sales", "a", "1", ".eu", "-eu", "-config", "-store", "-admin", "-messages", "-dashboard", "--queue", "-d6cd8bd833", "-0123456789",
		"fifty-two-characters-are-still-the-name-of-a-resourc",
	})
	resource := rapid.OneOf(
		rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?){0,2}`),
		rapid.Custom(func(t *rapid.T) string {
			return "s" + strings.Join(rapid.SliceOfN(part, 0, 4).Draw(t, "parts"), "")
		}),
	)

	objects := func(t *rapid.T, resource string) map[string]bool {
		seen := map[string]bool{}
		for _, webhook := range cases {
			webhook.Name = resource

			params, err := resources.NewParams(webhook, environment)
			if err != nil {
				t.Fatal(err)
			}

			for _, object := range resources.Render(params) {
				if faults := validation.IsDNS1035Label(*object.GetName()); len(faults) > 0 {
					t.Errorf("%s %s: %v", *object.GetKind(), *object.GetName(), faults)
				}

				if !slices.Contains(resources.Names(resource), *object.GetName()) {
					t.Errorf("the names lack that of the %s %s", *object.GetKind(), *object.GetName())
				}

				seen[*object.GetKind()+" "+*object.GetName()] = true
			}
		}

		return seen
	}

	rapid.Check(t, func(t *rapid.T) {
		one := resource.Draw(t, "one")

		// The other is often named as an object of the first one.
		other := rapid.OneOf(resource, rapid.Just(resources.Name(one)), rapid.Custom(func(t *rapid.T) string {
			return resources.Name(one) + part.Draw(t, "suffix")
		})).Draw(t, "other")
		if one == other {
			t.Skip()
		}

		of := objects(t, one)
		for object := range objects(t, other) {
			if of[object] {
				t.Errorf("resources %q and %q both have %s", one, other, object)
			}
		}
	})
}
