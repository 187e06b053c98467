// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

func TestEveryRenderedKindIsWatched(t *testing.T) {
	t.Parallel()
	webhook := newWebhook("messaging", "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	params, err := resources.NewParams(webhook, testImage)
	if err != nil {
		t.Fatal(err)
	}
	var rendered, watched []string
	for _, object := range resources.Render(params) {
		rendered = append(rendered, *object.GetAPIVersion()+" "+*object.GetKind())
	}
	for _, kind := range append(prunedKinds(), keptKinds()...) {
		gvk, err := testCluster.GroupVersionKindFor(kind)
		if err != nil {
			t.Fatal(err)
		}
		watched = append(watched, gvk.GroupVersion().String()+" "+gvk.Kind)
	}
	slices.Sort(rendered)
	slices.Sort(watched)
	if diff := cmp.Diff(slices.Compact(rendered), watched); diff != "" {
		t.Errorf("watched kinds (-rendered +watched):\n%s", diff)
	}
}
