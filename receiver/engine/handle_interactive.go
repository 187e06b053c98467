// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// handleInteractive puts what the person chose. Answers to call requests, and kinds that Meta adds, are put as they came.
func handleInteractive(ctx context.Context, e *Engine, t *task) (*bird.Request, error) {
	choice, ok := t.message.Interactive()
	if !ok {
		return handleOther(ctx, e, t)
	}

	switch choice.Kind {
	case whatsapp.ButtonReply:
		return &bird.Request{Method: bird.ProcessButton, Body: bird.ButtonInteraction{
			Common:      t.common(),
			ButtonID:    string(choice.ID),
			ButtonTitle: string(choice.Title),
			Source:      bird.FromInteractive,
		}}, nil
	case whatsapp.ListReply:
		return &bird.Request{Method: bird.ProcessList, Body: bird.ListInteraction{
			Common:          t.common(),
			ListID:          string(choice.ID),
			ListTitle:       string(choice.Title),
			ListDescription: string(choice.Description),
		}}, nil
	case whatsapp.FlowReply:
		return &bird.Request{Method: bird.ProcessFlow, Body: bird.FlowResponse{
			Common:   t.common(),
			FlowName: string(choice.Name),
			Response: choice.ResponseJSON,
		}}, nil
	default:
		return handleOther(ctx, e, t)
	}
}
