// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

func TestEveryRenderedKindIsWatched(t *testing.T) {
	t.Parallel()

	var rendered, watched []string

	cases, err := filepath.Glob("resources/testdata/*/in.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no golden cases: %v", err)
	}

	for _, file := range cases {
		params, err := resources.NewParams(readWebhook(t, file), testEnvironment)
		if err != nil {
			t.Fatal(err)
		}

		for _, object := range resources.Render(params) {
			rendered = append(rendered, *object.GetAPIVersion()+" "+*object.GetKind())
		}
	}

	for _, kind := range kinds {
		watched = append(watched, kind.GroupVersion().String()+" "+kind.Kind)
	}

	slices.Sort(rendered)
	slices.Sort(watched)

	if diff := cmp.Diff(slices.Compact(rendered), watched); diff != "" {
		t.Errorf("watched kinds (-rendered +watched):\n%s", diff)
	}
}

func readWebhook(t *testing.T, file string) *v1alpha1.WhatsAppWebhook {
	t.Helper()

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	webhook := &v1alpha1.WhatsAppWebhook{}
	if err := yaml.UnmarshalStrict(data, webhook); err != nil {
		t.Fatal(err)
	}

	return webhook
}
