// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// maxInline is the size in bytes up to which media is sent as base64 by default.
const maxInline = 4 << 20

// chooseTransport returns the encoding of the media of one call. Without a link, media go as they do by default.
func chooseTransport(setting config.MediaTransport, media *assistant.Media) assistant.Transport {
	switch {
	case setting == config.TransportURL && media.Link != "":
		return assistant.AsLink
	case setting == config.TransportMultipart, setting != config.TransportBase64 && media.Size > maxInline:
		return assistant.InMultipart
	default:
		return assistant.InBase64
	}
}
