// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func defaultFields(c *config.Config) { c.CloudAPI.Subscription.Fields = nil }

func TestDefaultFields(t *testing.T) {
	for name, tc := range map[string]struct {
		adjust func(*config.Config)
		want   string
	}{
		"by default": {defaultFields, "messages,messaging_handovers,standby"},
		"with coexistence": {func(c *config.Config) {
			defaultFields(c)

			c.CloudAPI.Coexistence = true
		}, "messages,messaging_handovers,standby,smb_message_echoes"},
		"declared": {func(c *config.Config) {
			c.CloudAPI.Coexistence = true
			c.CloudAPI.Subscription.Fields = []string{"messages"}
		}, "messages"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, standin.GraphOptions{}, tc.adjust)
			h.start()
			h.checkState(health.SubscriptionActive, "")

			if got := h.metaState().Fields; got != tc.want {
				t.Errorf("the app is subscribed to %s, want %s", got, tc.want)
			}
		})
	}
}

func TestUpgradeAddsTheDefaultFields(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, defaultFields)
	h.setForeignApp("messages,flows")
	h.start()
	h.checkState(health.SubscriptionActive, "")

	if got, want := h.metaState().Fields, "messages,flows,messaging_handovers,standby"; got != want {
		t.Errorf("the app is subscribed to %s, want %s", got, want)
	}
}

// TestRefusedField checks that a field that the app may not have keeps it from no other field.
func TestRefusedField(t *testing.T) {
	const problem = "Meta refuses the webhook fields standby of app 77, and the app is subscribed to the others"

	for name, refusal := range map[string]string{
		"unknown to the version": `"code":100,"message":"(#100) Param fields[2] must be one of {messages, messaging_handovers}"`,
		"not permitted":          `"code":200,"message":"(#200) To subscribe to the standby field, one of these permissions is needed"`,
		"not ready":              `"code":10,"message":"(#10) Application does not have permission for this action"`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, standin.GraphOptions{}, defaultFields)
			h.refuses.Store(&refusedField{"standby", refusal})
			h.start()
			h.checkState(health.SubscriptionFailed, problem)

			if got, want := h.metaState().Fields, "messages,messaging_handovers"; got != want {
				t.Errorf("the app is subscribed to %s, want %s", got, want)
			}

			h.graph.Recorder.Reset()
			h.advance(lastRetryDelay)
			h.checkState(health.SubscriptionFailed, problem)

			if posts := h.calls(http.MethodPost); slices.Contains(posts, appPath) {
				t.Errorf("the next check made the calls %v, want none for the refused field", posts)
			}

			h.refuses.Store(nil)
			h.advance(refusalTTL)
			h.advance(checkInterval + time.Second)
			h.checkState(health.SubscriptionActive, "")

			if got, want := h.metaState().Fields, "messages,messaging_handovers,standby"; got != want {
				t.Errorf("later the app is subscribed to %s, want %s", got, want)
			}
		})
	}
}

// A refusal of everything has another cause than a field.
func TestRefusalOfAllFields(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, defaultFields)
	h.refuses.Store(&refusedField{"callback_url", `"code":100,"message":"Invalid parameter"`})
	h.start()
	h.checkState(health.SubscriptionFailed, "Meta refuses a parameter: check the callback URL and the fields")
}

// An app that may have none of the fields is not subscribed to nothing, which Meta would accept.
func TestRefusalOfEachField(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, func(c *config.Config) {
		c.CloudAPI.Subscription.Fields = []string{"messages", "messaging_handovers"}
	})
	h.refuses.Store(&refusedField{`"fields":"messag`, `"code":200,"message":"(#200) One of these permissions is needed"`})
	h.start()
	h.checkState(health.SubscriptionFailed, "a permission is missing")

	if state := h.metaState(); state.App != "" {
		t.Errorf("the app is subscribed without a field: %+v", state)
	}
}
