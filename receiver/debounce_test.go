// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// askedByKey returns the texts that Bird was asked, by Idempotency-Key, with the calls that failed.
func (h *harness) askedByKey() map[string][]string {
	h.t.Helper()

	asked := map[string][]string{}

	for _, call := range h.Bird.Recorder.Calls() {
		var request struct {
			Text *string `json:"text"`
		}
		if err := json.Unmarshal(call.Body, &request); err != nil || request.Text == nil {
			continue
		}

		key := call.Header.Get("Idempotency-Key")
		asked[key] = append(asked[key], *request.Text)
	}

	return asked
}

// TestRetryAsksTheSameTexts checks that a text which comes after Bird was asked does not change what a retry asks: Bird
// may have answered the lost attempt, and would answer the same to the same Idempotency-Key.
func TestRetryAsksTheSameTexts(t *testing.T) {
	for name, tc := range map[string]struct {
		fault standin.Fault
		first []string
		want  string
	}{
		"one text, answer lost": {
			fault: standin.Fault{Status: 503, AfterEffect: true},
			first: []string{"hello"},
			want:  "hello",
		},
		"several texts, answer lost": {
			fault: standin.Fault{Status: 503, AfterEffect: true},
			first: []string{"hello", "is it red?"},
			want:  "hello\nis it red?",
		},
		"key refused": {
			fault: standin.Fault{Status: 401},
			first: []string{"hello", "is it red?"},
			want:  "hello\nis it red?",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)
				c.Processing.Debounce = time.Minute
				c.Processing.Lease = 10 * time.Minute // longer than the clock is set ahead during the first attempt
				c.Processing.Retry = config.Retry{BaseDelay: time.Hour, MaxDelay: time.Hour}
				c.Processing.ConfigurationRetry = time.Hour
			})
			tc.fault.PathPrefix = "/v1/messages/text"
			tc.fault.Times = 1
			h.Bird.Faults.Add(tc.fault)
			h.start()

			for i, text := range tc.first {
				h.deliver(http.StatusOK, textDelivery(ana, fmt.Sprint("wamid.", i), text))
			}

			h.waitFor("the texts to wait", h.nothingDue)
			h.clock.Advance(time.Minute)
			h.waitFor("the attempt to fail", func() bool { return len(h.record("wamid.0").Failures) == 1 })
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.late", "how much is it?"))
			h.clock.Advance(2 * time.Hour)
			h.waitSent(2)
			h.waitIdle()

			want := map[string][]string{
				"process_text_message:" + number + ":wamid.0":    {tc.want, tc.want},
				"process_text_message:" + number + ":wamid.late": {"how much is it?"},
			}
			if diff := cmp.Diff(want, h.askedByKey()); diff != "" {
				t.Errorf("asked by key (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMessagesOfAFastClock checks that messages which were received while the clock was ahead do not wait until it gets there.
func TestMessagesOfAFastClock(t *testing.T) {
	const ahead = 20 * 24 * time.Hour // which the steps below do not reach

	for name, delivery := range map[string][]byte{
		"a text":                      textDelivery(ana, "wamid.1", "hello"),
		"an edit without its message": editDelivery("wamid.1", "wamid.0", "hello"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.Debounce = time.Minute })
			h.start()
			h.clock.Advance(ahead)
			h.deliver(http.StatusOK, delivery)
			h.waitFor("the message to wait", h.nothingDue)
			h.clock.Advance(-ahead)
			h.waitFor("the message to end", func() bool {
				h.clock.Advance(time.Second)

				return h.record("wamid.1").Event.State == store.Done
			})
		})
	}
}

func TestDebounceAsksTheNewWording(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.Debounce = time.Minute })
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "send 100 boxes"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "thanks"))
	h.deliver(http.StatusOK, standin.MessageDelivery(number, ana, "Ana", "wamid.3", "edit", map[string]any{
		"original_message_id": "wamid.1",
		"message":             map[string]any{"type": "text", "text": map[string]any{"body": "send 10 boxes"}},
	}, time.Now()))
	h.waitFor("the texts to wait", h.nothingDue)
	h.clock.Advance(time.Minute)

	if got, want := h.waitSent(1)[0].Text, "You said: send 10 boxes\nthanks"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}

	h.waitIdle()

	if got := h.record("wamid.3").Event.State; got != store.Done {
		t.Errorf("the edit is %s, want done: it was answered with the message", got)
	}
}
