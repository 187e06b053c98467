// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
)

func TestUsage(t *testing.T) {
	m := New(clockwork.NewFakeClock())

	m.AIUsed(1200, 30)
	m.AIUsed(1, -5) // no server sends that, and no counter may fall
	m.AITruncated()

	want := []string{
		"whatsapp_ai_answers_truncated_total 1",
		`whatsapp_ai_tokens_total{direction="input"} 1201`,
		`whatsapp_ai_tokens_total{direction="output"} 30`,
	}
	if diff := cmp.Diff(want, append(scrape(t, m, "whatsapp_ai_answers"), scrape(t, m, "whatsapp_ai_tokens")...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
