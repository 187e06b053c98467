// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "github.com/wawebhook/whatsapp-webhook-operator/receiver/config"

// maxInline is the size in bytes up to which media is sent as base64 by default.
const maxInline = 4 << 20

// transport is the encoding of the media of one call.
type transport string

const (
	inBase64    transport = "base64"
	inMultipart transport = "multipart"
)

func chooseTransport(setting config.MediaTransport, size int64) transport {
	if setting == config.TransportMultipart || setting != config.TransportBase64 && size > maxInline {
		return inMultipart
	}

	return inBase64
}
