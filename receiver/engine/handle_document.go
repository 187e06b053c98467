// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

var handleDocument = mediaType{
	kind:    media.Document,
	process: bird.ProcessDocument,
	analyze: bird.ParseDocument,
	body: func(c bird.Common, m whatsapp.Media) bird.Body {
		return bird.DocumentMessage{
			Common:   c,
			Caption:  string(m.Caption),
			Filename: string(m.Filename),
			MimeType: string(m.MimeType),
		}
	},
}.handle
