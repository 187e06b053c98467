// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// Authorize sets the header with the access key of the AI, by bird.authScheme.
func Authorize(header http.Header, settings *config.Snapshot) {
	key := settings.Secrets.BirdAccessKey

	switch settings.Bird.AuthScheme {
	case config.AuthNone:
	case config.AuthBearer:
		header.Set("Authorization", "Bearer "+key)
	case config.AuthAPIKey:
		header.Set("X-API-Key", key)
	default:
		header.Set("Authorization", "AccessKey "+key)
	}
}
