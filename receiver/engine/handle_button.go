// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
)

// handleButton puts the quick reply to a template: its payload stands for the button's id.
func handleButton(ctx context.Context, e *Engine, t *task) (*bird.Request, error) {
	button, ok := t.message.Button()
	if !ok {
		return handleOther(ctx, e, t)
	}

	return &bird.Request{Method: bird.ProcessButton, Body: bird.ButtonInteraction{
		Common:      t.common(),
		ButtonID:    string(button.Payload),
		ButtonTitle: string(button.Text),
		Source:      bird.FromTemplate,
	}}, nil
}
