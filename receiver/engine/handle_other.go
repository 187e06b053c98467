// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
)

// handleOther puts a message as Meta sent it: stickers, reactions and their removal, orders, edits, revocations,
// request_welcome, what Meta cannot hand over (unsupported, unknown), and every type that Meta adds. It is off unless the
// configuration switches the method on.
func handleOther(_ context.Context, _ *Engine, t *task) (*bird.Request, error) {
	return &bird.Request{Method: bird.ProcessOther, Body: bird.OtherMessage{
		Common:  t.common(),
		Type:    string(t.message.Type),
		Message: t.message.Raw,
	}}, nil
}
