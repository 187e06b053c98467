// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "testing"

func TestConversation(t *testing.T) {
	for name, tc := range map[string]struct {
		message Message
		want    string
	}{
		"by number":      {Message{From: "573", FromUserID: "CO.1"}, "42:573"},
		"number hidden":  {Message{FromUserID: "CO.1"}, "42:CO.1"},
		"group":          {Message{From: "573", GroupID: "g"}, "42:group:g"},
		"unknown person": {Message{ID: "wamid.x"}, "42:message:wamid.x"},
	} {
		if got := tc.message.Conversation("42"); got != tc.want {
			t.Errorf("%s: Conversation() = %q, want %q", name, got, tc.want)
		}
	}
}
