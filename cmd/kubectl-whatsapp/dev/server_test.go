// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"testing"
)

func TestTextIsAnswered(t *testing.T) {
	f := start(t, Options{})
	sent := f.text("hello")

	f.trace(TraceDelivery, "text from Ana → 200")

	answer := f.answer()
	if answer.Text != "You said: hello" || answer.EventID != sent.EventID || answer.Sender != SenderAI {
		t.Errorf("answered %+v", answer)
	}

	wait(f, StreamStatus, func(s StatusChange) bool { return s.Message == answer.ID && s.Status == StatusRead })
}
