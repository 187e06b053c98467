// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// markRead marks the message of an attempt as read. In a conversation with a person this includes earlier messages, and
// shows the typing indicator. In a group each message that is answered together is marked.
func (e *Engine) markRead(ctx context.Context, a *attempt) error {
	if a.message.GroupID == "" {
		return e.Graph.MarkRead(ctx, a.number(), a.answered())
	}

	ids := []whatsapp.Text{whatsapp.Text(a.answered())}

	for _, event := range a.work.Coalesced {
		item, err := whatsapp.Decode(event.Payload)
		if err != nil {
			continue
		}

		if message, err := item.Message(); err == nil && message.Type == "text" { // an edit is no message to read
			ids = append(ids, message.ID)
		}
	}

	for _, id := range ids {
		if err := e.Graph.MarkGroupRead(ctx, a.number(), string(id)); err != nil {
			return err
		}
	}

	return nil
}
