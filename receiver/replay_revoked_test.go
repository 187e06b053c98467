// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// questionsAsked returns the texts that Bird was asked about.
func (h *harness) questionsAsked() []string {
	var texts []string

	for _, asked := range h.asked() {
		if text, ok := strings.CutPrefix(asked, "process_text_message "); ok {
			texts = append(texts, text)
		}
	}

	return texts
}

// refuseTexts lets Bird refuse texts until fixed is set.
func (h *harness) refuseTexts() (fixed *atomic.Bool) {
	fixed = &atomic.Bool{}

	h.reply = func(method string, request map[string]any) any {
		switch {
		case method == "process_message_revoke":
			return map[string]any{"response": nil}
		case !fixed.Load():
			return standin.Answer{Status: http.StatusUnprocessableEntity, Body: map[string]any{}}
		default:
			return standin.EchoReply(method, request)
		}
	}

	return fixed
}

// TestReplayOfARevokedMessage checks that the AI is not asked about a message that the person deleted after it had ended without
// an answer.
func TestReplayOfARevokedMessage(t *testing.T) {
	onBothStores(t, func(t *testing.T, newHarness func(func(*config.Config)) *harness) {
		for name, end := range map[string]func(*harness){
			"theirs, deleted meanwhile": func(h *harness) {
				h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
				h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "my card number is 42"))
				h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", "wamid.1"))
				h.waitIdle()
				h.clock.Advance(time.Hour)
			},
			"theirs, deleted afterwards": func(h *harness) {
				h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
				h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "my card number is 42"))
				h.waitIdle()
				h.clock.Advance(time.Hour)
				h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", "wamid.1"))
				h.waitIdle()
			},
			"a dead letter": func(h *harness) {
				fixed := h.refuseTexts()
				h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "my card number is 42"))
				h.waitFor("the dead letter", func() bool { return h.stats().DeadLetters == 1 })
				h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", "wamid.1"))
				h.waitIdle()
				fixed.Store(true)
			},
		} {
			t.Run(name, func(t *testing.T) {
				h := newHarness(func(c *config.Config) { withoutTyping(c); c.Processing.HandoffDuration = time.Minute })
				h.start()
				h.waitReady()
				end(h)

				before := len(h.questionsAsked())
				h.replay("wamid.1")
				h.waitIdle()
				h.waitSent(0)

				if asked := h.questionsAsked(); len(asked) > before {
					t.Errorf("Bird was asked %q, want nothing after the replay", asked)
				}

				record := h.record("wamid.1")
				if record.Event.State != store.Skipped {
					t.Errorf("the message is %s, want skipped", record.Event.State)
				}

				if f := record.Failures; len(f) == 0 || f[len(f)-1].Code != "revoked" {
					t.Errorf("history = %+v, want that the person deleted the message", f)
				}
			})
		}
	})
}

// replayRefusedTexts starts the receiver, lets Bird refuse two texts together, and replays them after the person has deleted one.
func (h *harness) replayRefusedTexts(deleted string) {
	h.t.Helper()

	fixed := h.refuseTexts()
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "send 100 boxes"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "and a bag"))
	h.waitFor("the texts to wait", h.nothingDue)
	h.clock.Advance(2 * time.Minute)
	h.waitFor("the dead letters", func() bool { return h.stats().DeadLetters == 2 })
	h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", deleted))
	h.waitIdle()
	fixed.Store(true)
	h.replay("wamid.1")
	h.waitIdle()
}

// TestReplayOfARevokedTextOfSeveral replays two texts that Bird refused together, of which the person deleted one meanwhile.
func TestReplayOfARevokedTextOfSeveral(t *testing.T) {
	for deleted, want := range map[string]string{
		"wamid.1": `{"text":"and a bag"}`,
		"wamid.2": `{"text":"send 100 boxes"}`,
	} {
		t.Run(deleted, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.Debounce = time.Minute })
			h.replayRefusedTexts(deleted)
			h.waitSent(1)

			if diff := cmp.Diff([]string{`{"text":"send 100 boxes\nand a bag"}`, want}, h.questionsAsked()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReplayOfARevokedTextWithAFlow replays two texts of which the person deleted the first, with an AI that reads only the text.
func TestReplayOfARevokedTextWithAFlow(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { flowWithoutTyping(c); c.Processing.Debounce = time.Minute })
	h.replayRefusedTexts("wamid.1")

	var texts []any
	for _, call := range h.Flow.Asked() {
		texts = append(texts, call.Payload["text"])
	}

	if diff := cmp.Diff([]any{"send 100 boxes\nand a bag", "and a bag"}, texts); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
}
