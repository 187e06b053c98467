// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
)

func handleContacts(ctx context.Context, e *Engine, t *task) (*bird.Request, error) {
	raw, ok := t.message.Contacts()

	var cards []json.RawMessage
	if !ok || json.Unmarshal(raw, &cards) != nil {
		return handleOther(ctx, e, t)
	}

	return &bird.Request{Method: bird.ProcessContacts, Body: bird.ContactsMessage{Common: t.common(), Contacts: cards}}, nil
}
