// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

var handleAudio = mediaType{
	kind:    media.Audio,
	process: bird.ProcessAudio,
	analyze: bird.TranscribeAudio,
	body: func(c bird.Common, m whatsapp.Media) bird.Body {
		return bird.AudioMessage{
			Common:   c,
			MimeType: string(m.MimeType),
			Voice:    bool(m.Voice),
		}
	},
}.handle
