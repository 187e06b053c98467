// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

var handleVideo = mediaType{
	kind:    media.Video,
	process: bird.ProcessVideo,
	analyze: bird.AnalyzeVideo,
	body: func(c bird.Common, m whatsapp.Media) bird.Body {
		return bird.VideoMessage{
			Common:   c,
			Caption:  string(m.Caption),
			MimeType: string(m.MimeType),
		}
	},
}.handle
