// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

var handleImage = mediaType{
	kind:    media.Image,
	process: bird.ProcessImage,
	analyze: bird.AnalyzeImage,
	body: func(c bird.Common, m whatsapp.Media) bird.Body {
		return bird.ImageMessage{
			Common:   c,
			Caption:  string(m.Caption),
			MimeType: string(m.MimeType),
		}
	},
}.handle
