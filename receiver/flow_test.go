// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func flowWithoutTyping(c *config.Config) {
	withFlow(c)
	withoutTyping(c)
}

func messageDelivery(id, kind string, content map[string]any) []byte {
	return standin.MessageDelivery(number, ana, "Ana", id, kind, content, time.Now())
}

// TestFlowReadsOnlyTheText sends messages of several types to a flow that reads nothing but {{trigger.body.text}}. The last
// ones start no flow.
func TestFlowReadsOnlyTheText(t *testing.T) {
	file := map[string]any{"id": "500", "mime_type": "image/jpeg"}
	captioned := map[string]any{
		"id":        "500",
		"mime_type": "image/jpeg",
		"caption":   "is this in stock?",
	}

	h := newHarness(t, flowWithoutTyping)
	h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
	h.start()

	for i, message := range []struct {
		kind    string
		content map[string]any
		want    string // the text; empty: no flow is started
	}{
		{"text", map[string]any{"body": "hola"}, "hola"},
		{"image", file, "[photo]"},
		{"image", captioned, "is this in stock?"},
		{"location", map[string]any{"latitude": 4.6, "longitude": -74, "name": "Office"}, "4.6,-74 Office"},
		{"interactive", map[string]any{"type": "button_reply", "button_reply": map[string]any{"id": "y", "title": "Yes"}}, "Yes"},
		{"sticker", map[string]any{"id": "500", "mime_type": "image/webp"}, ""},
		{"reaction", map[string]any{"message_id": "wamid.0", "emoji": "👍"}, ""},
	} {
		before := len(h.Flow.Asked())

		h.deliver(http.StatusOK, messageDelivery(fmt.Sprintf("wamid.%d", i), message.kind, message.content))
		h.waitIdle()

		asked := h.Flow.Asked()[before:]
		if len(asked) != min(len(message.want), 1) {
			t.Fatalf("%s: %d flows were started", message.kind, len(asked))
		}

		if len(asked) > 0 && asked[0].Payload["text"] != message.want {
			t.Errorf("%s: text = %v, want %q", message.kind, asked[0].Payload["text"], message.want)
		}
	}

	h.waitSent(5)
}

func TestFlowWithAFileThatIsTooLarge(t *testing.T) {
	h := newHarness(t, flowWithoutTyping)
	h.Graph.PutMedia("500", "image/jpeg", make([]byte, 1<<20))
	h.start()
	h.deliver(http.StatusOK, messageDelivery("wamid.1", "image", map[string]any{"id": "500", "mime_type": "image/jpeg"}))
	h.waitSent(1)

	media, _ := h.Flow.Asked()[0].Payload["media"].(map[string]any)
	if media["transport"] != "omitted" || media["size"] != float64(1<<20) {
		t.Errorf("media = %v, want them omitted", media)
	}
}

// TestFlowThatIsNotReady refuses calls for reasons that an administrator fixes. Nothing is lost, and no attempt is spent.
func TestFlowThatIsNotReady(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil, fix func(*harness)
	}{
		"another bearer token": {
			spoil: func(h *harness) { h.writeSecret(config.RoleBirdAccessKey, "0", "wrong") },
			fix: func(h *harness) {
				h.writeSecret(config.RoleBirdAccessKey, "0", folder.BirdAccessKey)
				h.Local.Live.Reload()
			},
		},
		"another signing key": {
			spoil: func(h *harness) { h.writeSecret(config.RoleFlowSigningKey, "0", "wrong") },
			fix: func(h *harness) {
				h.writeSecret(config.RoleFlowSigningKey, "0", folder.FlowSigningKey)
				h.Local.Live.Reload()
			},
		},
		"not published": {
			spoil: func(h *harness) { h.Flow.SetPublished(false) },
			fix:   func(h *harness) { h.Flow.SetPublished(true) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, flowWithoutTyping)
			tc.spoil(h)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hola"))
			h.waitFor("the refusal", func() bool { return len(h.record("wamid.1").Failures) > 0 })

			if problems := h.status().Problems; len(problems) == 0 {
				t.Error("/status names no problem")
			}

			tc.fix(h)
			h.waitSent(1)
			h.waitIdle()

			record := h.record("wamid.1")
			if record.Event.State != store.Done || record.Attempts != 0 {
				t.Errorf("state = %s after %d attempts, want done without one", record.Event.State, record.Attempts)
			}
		})
	}
}

// TestFlowThatAnswersNothing has a flow answer 200 without a body, as a flow of Bird does that goes on after a step that
// waits.
func TestFlowThatAnswersNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		setting config.EmptyAnswer
		posted  bool
		want    []string
		state   store.State
	}{
		"and posts the answer": {posted: true, want: []string{"We open at ten."}, state: store.Done},
		"and never answers":    {want: []string{"Sorry."}, state: store.Done},
		"and needs not":        {setting: config.EmptyNoReply, state: store.Done},
		"and should":           {setting: config.EmptyFail, want: []string{"Sorry."}, state: store.Dead},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				flowWithoutTyping(c)
				withMessagesAPI(c)
				c.Bird.EmptyAnswer = tc.setting
				c.Processing.FallbackText = "Sorry."
			})
			h.reply = func(string, map[string]any) any { return nil }
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "when do you open?"))
			h.waitFor("the end of the question", func() bool { return h.record("wamid.1").Event.State == tc.state })

			if tc.posted {
				h.post("key", h.answerTo("wamid.1", "We open at ten."))
				h.waitSent(1)
			}

			if tc.setting == "" {
				h.waitDeadline("wamid.1")
			}

			h.waitIdle()

			if diff := cmp.Diff(tc.want, sentTexts(h.waitSent(len(tc.want)))); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}

			if _, page := h.adminPage("/metrics"); !bytes.Contains([]byte(page), []byte("whatsapp_ai_empty_answers_total 1\n")) {
				t.Error("the empty answer is not counted")
			}
		})
	}
}

func TestFlowGetsNoStatuses(t *testing.T) {
	for _, statuses := range []bool{false, true} {
		h := newHarness(t, func(c *config.Config) {
			flowWithoutTyping(c)
			c.Bird.Flow.Statuses = statuses
		})
		h.start()
		h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hola"))
		sent := h.waitSent(1)[0]
		h.deliver(http.StatusOK, standin.StatusDelivery(number, sent.ID, "read", ana, "", time.Now()))
		h.waitIdle()

		var got []string
		for _, call := range h.Flow.Asked()[1:] {
			got = append(got, fmt.Sprint(call.Method, " ", call.Payload["text"]))
		}

		var want []string
		if statuses {
			want = []string{"notify_bird_status_change [status read]"}
		}

		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("statuses %t (-want +got):\n%s", statuses, diff)
		}
	}
}
