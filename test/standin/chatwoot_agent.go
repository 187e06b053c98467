// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// AgentWrites lets an agent write in a conversation: the webhook of the inbox gets message_created. It returns the status of
// the webhook's answer.
//
// Source: https://www.chatwoot.com/hc/user-guide/articles/1677693021-how-to-use-webhooks
func (c *Chatwoot) AgentWrites(ctx context.Context, conversation int, content string) (status int, err error) {
	described, id, err := c.describe(conversation)
	if err != nil {
		return 0, err
	}

	c.MessageLog.add(ChatwootMessage{
		SourceID:     described.source,
		ContactName:  described.contact.name,
		Conversation: conversation,
		Content:      content,
		Agent:        true,
	})

	return c.call(ctx, map[string]any{
		"event":              "message_created",
		"id":                 id,
		"content":            content,
		"content_type":       "text",
		"content_attributes": map[string]any{},
		"message_type":       "outgoing",
		"private":            false,
		"source_id":          nil,
		"created_at":         c.Clock.Now().UTC(),
		"account":            map[string]any{"id": 1, "name": "Example"},
		"inbox":              map[string]any{"id": 1, "name": "WhatsApp"},
		"sender":             map[string]any{"id": 1, "name": "Agent", "email": "agent@example.com", "type": "user"},
		"conversation":       described.object("open"),
	})
}

// Resolve lets an agent resolve a conversation: the webhook gets conversation_status_changed.
func (c *Chatwoot) Resolve(ctx context.Context, conversation int) (status int, err error) {
	described, _, err := c.describe(conversation)
	if err != nil {
		return 0, err
	}

	event := described.object("resolved")
	event["event"] = "conversation_status_changed"

	return c.call(ctx, event)
}

// describedConversation is a conversation as webhooks describe it.
type describedConversation struct {
	id      int
	source  string
	contact chatwootContact
}

// describe returns a conversation, and the id of the next message.
func (c *Chatwoot) describe(conversation int) (described describedConversation, message int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if conversation < 1 || conversation > len(c.conversations) {
		return describedConversation{}, 0, fmt.Errorf("there is no conversation %d", conversation)
	}

	source := c.conversations[conversation-1]
	c.serial++

	return describedConversation{
		id:      conversation,
		source:  source,
		contact: c.contacts[source],
	}, c.serial, nil
}

func (d describedConversation) object(status string) map[string]any {
	return map[string]any{
		"id":       d.id,
		"inbox_id": 1,
		"channel":  "Channel::Api",
		"status":   status,
		"contact_inbox": map[string]any{
			"id":        d.contact.id,
			"inbox_id":  1,
			"source_id": d.source,
		},
		"meta": map[string]any{
			"sender": map[string]any{"id": d.contact.id, "name": d.contact.name, "type": "contact"},
		},
	}
}

func (c *Chatwoot) call(ctx context.Context, event map[string]any) (status int, err error) {
	body, err := json.Marshal(event)
	if err != nil {
		return 0, fmt.Errorf("encoding the event: %w", err)
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.WebhookURL(), bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("building the event: %w", err)
	}

	request.Header.Set("Content-Type", "application/json")

	client := c.options.Client
	if client == nil {
		client = http.DefaultClient
	}

	status, _, err = exchange(client, request)

	return status, err
}
