// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/image"
)

// TestBundleIsDescribed checks what a registry shows of the bundle: without the source, GHCR shows no repository.
func TestBundleIsDescribed(t *testing.T) {
	layer, err := image.Layer()
	if err != nil {
		t.Fatal(err)
	}

	built, err := bundleImage(layer, &release{version: "v1.2.3", created: time.Unix(1_700_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}

	manifest, err := built.Manifest()
	if err != nil {
		t.Fatal(err)
	}

	for name, want := range map[string]string{
		"title":       "whatsapp-webhook-operator bundle",
		"description": "The operator's bundle for the Operator Lifecycle Manager.",
		"source":      image.Source,
		"version":     "v1.2.3",
	} {
		if got := manifest.Annotations["org.opencontainers.image."+name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
