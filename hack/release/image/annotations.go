// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import "time"

// vendor is who publishes a release.
const vendor = "The whatsapp-webhook-operator Authors"

// texts describe the images of a release by their names.
var texts = map[string]string{
	"manager":  "The operator: it runs a receiver of Meta's webhooks for each WhatsAppWebhook.",
	"receiver": "Receives Meta's webhooks of a WhatsApp number, asks an AI, and sends its answers. The operator runs it.",
}

// Described is what a registry shows of an image or of another artifact of a release.
type Described struct {
	Title   string
	Text    string // Defaults to none.
	Version string
	// Revision is the commit. Defaults to none, outside a git checkout.
	Revision string
	Created  time.Time
}

// Annotations returns those of https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md.
func (d Described) Annotations() map[string]string {
	annotations := map[string]string{
		"org.opencontainers.image.title":         d.Title,
		"org.opencontainers.image.source":        Source,
		"org.opencontainers.image.url":           Source,
		"org.opencontainers.image.documentation": Source + "/tree/main/docs",
		"org.opencontainers.image.vendor":        vendor,
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.version":       d.Version,
		"org.opencontainers.image.created":       d.Created.UTC().Format(time.RFC3339),
	}
	if d.Text != "" {
		annotations["org.opencontainers.image.description"] = d.Text
	}

	if d.Revision != "" {
		annotations["org.opencontainers.image.revision"] = d.Revision
	}

	return annotations
}

func (b Builder) described(t Target) Described {
	return Described{
		Title:    "whatsapp-webhook-operator " + t.Name,
		Text:     texts[t.Name],
		Version:  b.Version,
		Revision: b.Revision,
		Created:  b.Created,
	}
}
