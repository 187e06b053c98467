// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

func TestName(t *testing.T) {
	tests := map[string]string{
		"sales": "sales",
		"fifty-two-characters-are-still-the-name-of-a-resource": "fifty-two-characters-are-still-the-name-o-50b645ba6a",
		"sales.eu": "sales-eu-d6cd8bd833",
		"24h":      "w24h-0b509e6d4c",
	}
	for resource, want := range tests {
		if got := resources.Name(resource); got != want {
			t.Errorf("Name(%q) = %q; want %q", resource, got, want)
		}
	}
}

func TestNameIsValidForAService(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		resource := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?){0,2}`).Draw(t, "resource")

		name := resources.Name(resource)
		if faults := validation.IsDNS1035Label(name + "-dashboard"); len(faults) > 0 {
			t.Fatalf("Name(%q) = %q: %v", resource, name, faults)
		}

		other := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?`).Draw(t, "other")
		if other != resource && resources.Name(other) == name {
			t.Fatalf("%q and %q are both named %q", resource, other, name)
		}
	})
}
