// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
)

func handleText(_ context.Context, _ *Engine, t *task) (*bird.Request, error) {
	text := strings.Join(append([]string{t.message.TextBody()}, t.texts...), "\n")
	return &bird.Request{Method: bird.ProcessText, Body: bird.TextMessage{Common: t.common(), Text: text}}, nil
}
