// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAnnotations checks what a registry shows of each image of a release.
func TestAnnotations(t *testing.T) {
	const source = "https://github.com/wawebhook/whatsapp-webhook-operator"

	b := Builder{
		Version:  "v1.2.3",
		Revision: "0123456789abcdef0123456789abcdef01234567",
		Created:  time.Unix(1_700_000_000, 0),
	}

	for name, text := range map[string]string{
		"manager":  "The operator: it runs a receiver of Meta's webhooks for each WhatsAppWebhook.",
		"receiver": "Receives Meta's webhooks of a WhatsApp number, asks an AI, and sends its answers. The operator runs it.",
	} {
		want := map[string]string{
			"org.opencontainers.image.title":         "whatsapp-webhook-operator " + name,
			"org.opencontainers.image.description":   text,
			"org.opencontainers.image.source":        source,
			"org.opencontainers.image.url":           source,
			"org.opencontainers.image.documentation": source + "/tree/main/docs",
			"org.opencontainers.image.vendor":        "The whatsapp-webhook-operator Authors",
			"org.opencontainers.image.licenses":      "Apache-2.0",
			"org.opencontainers.image.version":       "v1.2.3",
			"org.opencontainers.image.created":       "2023-11-14T22:13:20Z",
			"org.opencontainers.image.revision":      b.Revision,
		}
		if diff := cmp.Diff(want, b.described(Target{Name: name}).Annotations()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}

	for name, value := range (Described{Title: "without a commit"}).Annotations() {
		if value == "" && name != "org.opencontainers.image.version" {
			t.Errorf("%s is empty", name)
		}
	}
}
