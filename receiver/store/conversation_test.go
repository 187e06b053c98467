// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"testing"
	"time"
)

func TestMergeConversations(t *testing.T) {
	early := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	late := early.Add(time.Hour)

	for _, c := range []struct {
		name       string
		a, b, want Conversation
	}{
		{"both zero", Conversation{}, Conversation{}, Conversation{}},
		{
			"newest message, later end of human mode",
			Conversation{LastInboundAt: early, Takeover: Takeover{Until: late}},
			Conversation{LastInboundAt: late, Takeover: Takeover{Until: early}},
			Conversation{LastInboundAt: late, Takeover: Takeover{Until: late}},
		},
		{
			"newer requires no template",
			Conversation{LastInboundAt: early, TemplateRequired: true},
			Conversation{LastInboundAt: late},
			Conversation{LastInboundAt: late},
		},
		{
			"newer requires a template",
			Conversation{LastInboundAt: late, TemplateRequired: true},
			Conversation{LastInboundAt: early},
			Conversation{LastInboundAt: late, TemplateRequired: true},
		},
		{
			"equally new",
			Conversation{TemplateRequired: true},
			Conversation{Takeover: Takeover{Until: early}},
			Conversation{Takeover: Takeover{Until: early}, TemplateRequired: true},
		},
		{
			"the id of the AI is that of the newer state",
			Conversation{LastInboundAt: early, AIConversationID: "b"},
			Conversation{LastInboundAt: late, AIConversationID: "a"},
			Conversation{LastInboundAt: late, AIConversationID: "a"},
		},
		{
			"the newer state has no id of the AI",
			Conversation{LastInboundAt: early, AIConversationID: "b"},
			Conversation{LastInboundAt: late},
			Conversation{LastInboundAt: late, AIConversationID: "b"},
		},
		{
			"two ids of the AI, equally new",
			Conversation{AIConversationID: "a"},
			Conversation{AIConversationID: "b"},
			Conversation{AIConversationID: "b"},
		},
	} {
		if got := c.a.Merge(c.b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}

		if got := c.b.Merge(c.a); got != c.want {
			t.Errorf("%s, reversed: %v, want %v", c.name, got, c.want)
		}
	}
}
