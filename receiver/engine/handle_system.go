// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// handleSystem joins the conversations of a person whose phone number or user id changed.
func handleSystem(ctx context.Context, e *Engine, t *task) (*bird.Request, error) {
	for _, lane := range t.message.NewConversations(t.number()) {
		if _, err := e.record(ctx, t, store.Step{Now: e.Clock.Now(), Join: lane}); err != nil {
			return nil, err
		}
	}

	return handleOther(ctx, e, t)
}
