// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"

func handleText(t *task) bird.Request {
	return bird.Request{Method: bird.ProcessText, Body: bird.TextMessage{Common: t.common(), Text: t.message.TextBody()}}
}
