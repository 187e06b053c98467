// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// raised returns the samples that are not 0.
func raised(t *testing.T, m *Metrics, prefix string) []string {
	t.Helper()

	return slices.DeleteFunc(scrape(t, m, prefix), func(sample string) bool { return strings.HasSuffix(sample, " 0") })
}

func TestWatchScopes(t *testing.T) {
	var closed []ClosedScope

	m := New(clockwork.NewRealClock())
	m.WatchScopes(func() []ClosedScope { return closed })

	if all := scrape(t, m, "whatsapp_scope_closed"); len(all) != len(scopeKinds)*len(scopeReasons) || len(raised(t, m, "whatsapp_scope_closed")) > 0 {
		t.Errorf("without a closed scope: %q, want every kind and reason at 0", all)
	}

	closed = []ClosedScope{
		{"bird", "unavailable"},
		{"pair", "rate_limited"},
		{"pair", "rate_limited"},
		{"number:106540352242922", "refused"},
	}
	want := []string{
		`whatsapp_scope_closed{reason="rate_limited",scope="pair"} 2`,
		`whatsapp_scope_closed{reason="refused",scope="other"} 1`,
		`whatsapp_scope_closed{reason="unavailable",scope="bird"} 1`,
	}

	if diff := cmp.Diff(want, raised(t, m, "whatsapp_scope_closed"), cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWatchConfiguration(t *testing.T) {
	token := health.TokenUnknown
	secrets := config.Secrets{
		AccessToken: "a",
		AppSecrets:  []string{"b"},
		VerifyToken: "c",
	}

	m := New(clockwork.NewRealClock())
	m.WatchConfiguration(config.Fixed(config.Config{}, secrets), func() health.TokenState { return token })

	if diff := cmp.Diff([]string{`whatsapp_secret_missing{role="bird-access-key"} 1`}, raised(t, m, "whatsapp_secret_missing")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	token = health.TokenRefused

	if diff := cmp.Diff([]string{"whatsapp_token_refused 1"}, scrape(t, m, "whatsapp_token_refused")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// takenOver returns the same conversations to every call.
type takenOver struct {
	store.Takeovers
	conversations []store.NamedConversation
	err           error
}

func (t takenOver) TakenOver(context.Context, time.Time, string, int) ([]store.NamedConversation, error) {
	return t.conversations, t.err
}

func TestWatchTakeovers(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	conversation := func(by store.Holder, changed, wrote time.Duration) store.NamedConversation {
		return store.NamedConversation{Conversation: store.Conversation{
			LastInboundAt: now.Add(-wrote),
			Takeover: store.Takeover{
				By:    by,
				At:    now.Add(-changed),
				Until: now.Add(time.Hour),
			},
		}}
	}

	for name, tc := range map[string]struct {
		conversations []store.NamedConversation
		err           error
		want          []string
	}{
		"no takeover": {
			want: []string{"whatsapp_human_waiting_conversations 0", "whatsapp_oldest_human_wait_seconds 0"},
		},
		"the AI handed off": {
			conversations: []store.NamedConversation{conversation(store.HandedOff, 10*time.Minute, 11*time.Minute)},
			want:          []string{"whatsapp_human_waiting_conversations 1", "whatsapp_oldest_human_wait_seconds 600"},
		},
		"a colleague answered": {
			conversations: []store.NamedConversation{conversation(store.Colleague, time.Minute, 2*time.Minute)},
			want:          []string{"whatsapp_human_waiting_conversations 0", "whatsapp_oldest_human_wait_seconds 0"},
		},
		"the person wrote after the colleague": {
			conversations: []store.NamedConversation{
				conversation(store.Colleague, time.Hour, 2*time.Minute),
				conversation(store.Desk, time.Hour, 3*time.Minute),
			},
			want: []string{"whatsapp_human_waiting_conversations 2", "whatsapp_oldest_human_wait_seconds 180"},
		},
		"the store is unavailable": {
			err: errors.New("disk full"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(clockwork.NewRealClock())
			m.WatchTakeovers(takenOver{conversations: tc.conversations, err: tc.err}, clockwork.NewFakeClockAt(now))

			got := scrape(t, m, "whatsapp_human_waiting", "whatsapp_oldest_human")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCallErrorsByTarget(t *testing.T) {
	m := New(clockwork.NewRealClock())
	for _, operation := range []string{"process_text_message", "notify_bird_status_change", "send message", "send notice"} {
		m.CallFailed(&failure.Error{Class: failure.Transient, Op: operation})
	}

	want := []string{
		`whatsapp_call_errors_total{class="transient",target="bird"} 2`,
		`whatsapp_call_errors_total{class="transient",target="meta"} 1`,
		`whatsapp_call_errors_total{class="transient",target="sink"} 1`,
	}
	if diff := cmp.Diff(want, raised(t, m, "whatsapp_call_errors_total")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
