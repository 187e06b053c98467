// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// answersInTwoParts answers with a text and an image.
func answersInTwoParts(string, map[string]any) any {
	return map[string]any{"response": []any{"Here you are.", map[string]any{"type": "image", "media_id": "1"}}}
}

// sentTypes returns the types of messages.
func sentTypes(sent []standin.SentMessage) []string {
	var types []string
	for _, message := range sent {
		types = append(types, message.Type)
	}

	return types
}

// wantSent checks the types of all messages that were sent.
func (h *harness) wantSent(want ...string) {
	h.t.Helper()
	h.waitIdle()

	if diff := cmp.Diff(want, sentTypes(h.Graph.Sent())); diff != "" {
		h.t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// wantAnswer checks the parts of the answer to a message, as the store has them.
func (h *harness) wantAnswer(message string, want ...string) {
	h.t.Helper()

	var got []string

	for _, reply := range h.record(message).Replies {
		got = append(got, string(reply.State)+" "+cloudapi.PlainText(reply.Body))
	}

	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("the stored answer (-want +got):\n%s", diff)
	}
}

// saysResent reports whether a notice says that a message which failed is sent again.
func saysResent(notice cloudEvent) bool {
	data, _ := notice.Data.(map[string]any)

	return data["resent"] == true
}

// failedWith delivers that a message failed, and waits for the notice, the n-th.
func (h *harness) failedWith(code int, sent standin.SentMessage, n int) {
	h.t.Helper()
	h.deliver(http.StatusOK, standin.FailedDelivery(number, sent.ID, ana, sent.Callback, code, h.clock.Now()))
	h.waitFor("the status is processed", func() bool { return len(h.sink.notices("message.failed")) == n })
}

// TestOneTemplateForAllParts lets Meta report each part of an answer as sent outside of the window, in any order. One
// template takes the place of all of them.
func TestOneTemplateForAllParts(t *testing.T) {
	for name, order := range map[string][]int{"in order": {0, 1}, "the last first": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withTemplate)
			h.reply = answersInTwoParts
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			parts := h.waitSent(2)
			h.waitIdle()

			for i, part := range order {
				h.failedWith(131047, parts[part], i+1)
				h.wantSent("text", "image", "template")
			}

			h.wantAnswer("wamid.1", "sent [template come_back]")

			for _, failed := range h.sink.notices("message.failed") {
				if !saysResent(failed) {
					t.Errorf("the notice has %v, want that the template was sent instead", failed.Data)
				}
			}
		})
	}
}

// TestAllPartsFailAtOnce lets Meta report both parts of an answer in one delivery.
func TestAllPartsFailAtOnce(t *testing.T) {
	for code, want := range map[int]map[string]int{
		131047: {"text": 1, "image": 1, "template": 1},
		131000: {"text": 2, "image": 2},
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withTemplate)
			h.reply = answersInTwoParts
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))

			var statuses []string
			for _, part := range h.waitSent(2) {
				statuses = append(statuses, fmt.Sprintf(
					`{"id":%q,"status":"failed","recipient_id":%q,"biz_opaque_callback_data":%q,"errors":[{"code":%d}]}`,
					part.ID, ana, part.Callback, code))
			}

			h.waitIdle()
			h.deliver(http.StatusOK, messagesDelivery(`"statuses":[`+strings.Join(statuses, ",")+`]`))
			h.waitFor("the statuses are processed", func() bool { return len(h.sink.notices("message.failed")) == 2 })
			h.waitIdle()

			sent := map[string]int{}
			for _, message := range h.Graph.Sent() {
				sent[message.Type]++
			}

			if diff := cmp.Diff(want, sent); diff != "" {
				t.Errorf("sent by type (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnconfirmedTemplate loses the response to the template that takes the place of an answer in two parts, and the receiver
// restarts. A status confirms the template, or it is sent again once the wait for one is over. Nothing else is sent, such as
// another template for the second part.
func TestUnconfirmedTemplate(t *testing.T) {
	for name, isConfirmed := range map[string]bool{"confirmed": true, "not confirmed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, func(c *config.Config) {
				withTemplate(c)
				c.Processing.AmbiguousWindow = time.Hour
			})
			h.reply = answersInTwoParts

			cut := make(chan struct{})
			close(cut)
			h.WrapGraph(func(next http.Handler) http.Handler { return loseFirstAnswer(next, cut) })
			h.start()
			h.deliver(http.StatusOK, standin.TextDelivery(number, ana, "Ana", "wamid.1", "hello", h.clock.Now().Add(-72*time.Hour)))
			template := h.waitSent(1)[0]
			h.waitFor("the send is unconfirmed", func() bool { return len(h.record("wamid.1").Failures) == 1 })
			h.wantAnswer("wamid.1", "sending [template come_back]")
			h.stop()
			h.start()

			want := []string{"template"}

			if isConfirmed {
				h.deliver(http.StatusOK, standin.StatusDelivery(number, template.ID, "delivered", ana, template.Callback, h.clock.Now()))
			} else {
				want = append(want, "template")

				h.clock.Advance(2 * time.Hour)
				h.waitSent(2)
			}

			h.waitFor("the message is done", func() bool { return h.record("wamid.1").Event.State == store.Done })
			h.wantSent(want...)
			h.wantAnswer("wamid.1", "sent [template come_back]")
		})
	}
}

// TestTemplateIsCorrected lets Meta refuse the template for the time being, and changes its name meanwhile. The next attempt
// sends the template that is configured then.
func TestTemplateIsCorrected(t *testing.T) {
	h := newHarness(t, withTemplate)
	h.refuseSend(134101)
	h.reply = answersInTwoParts
	h.start()
	h.deliver(http.StatusOK, standin.TextDelivery(number, ana, "Ana", "wamid.1", "hello", h.clock.Now().Add(-72*time.Hour)))
	h.waitFor("the template is refused", func() bool { return len(h.record("wamid.1").Failures) == 1 })
	h.wantAnswer("wamid.1", "planned [template come_back]")

	h.reconfigure(func(c *config.Config) { c.Processing.FallbackTemplate.Name = "we_are_back" })
	h.clock.Advance(2 * time.Hour)
	h.waitSent(1)
	h.wantSent("template")
	h.wantAnswer("wamid.1", "sent [template we_are_back]")
}

// TestRefusedPartOfSeveral lets Meta refuse the first part of an answer. The template takes the place of both.
func TestRefusedPartOfSeveral(t *testing.T) {
	h := newHarness(t, withTemplate)
	h.reply = answersInTwoParts
	h.refuseSend(131047)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.wantSent("template")
	h.wantAnswer("wamid.1", "sent [template come_back]")
}

// TestAModelRemembersTheTemplate answers a late message with the template. The model learns that, not the text that the
// person did not get.
func TestAModelRemembersTheTemplate(t *testing.T) {
	h := newModelHarness(t, withTemplate)
	h.start()
	h.deliver(http.StatusOK, standin.TextDelivery(number, ana, "Ana", "wamid.1", "hola", h.clock.Now().Add(-72*time.Hour)))
	h.waitSent(1)
	h.waitIdle()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "gracias"))
	h.waitSent(2)

	want := []string{"system", "user hola", "assistant [template come_back]", "user gracias"}
	if diff := cmp.Diff(want, h.modelHeard()); diff != "" {
		t.Errorf("the model got (-want +got):\n%s", diff)
	}
}

// TestStateOfATemplate posts two messages, whose window Meta reports as closed. The template in their place has a state.
func TestStateOfATemplate(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withMessages(c); withTemplate(c) })
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.waitIdle()

	h.refuseSend(131047)

	accepted := h.postMessage(http.StatusAccepted, folder.AssistantKey, "1",
		`{"conversation_key":"`+number+":"+ana+`","response":["Here you are.",{"type":"image","media_id":"1"}]}`)
	h.waitState(accepted, "sent")
	h.wantSent("text", "template")

	template := h.Graph.Sent()[1]
	h.deliver(http.StatusOK, standin.StatusDelivery(number, template.ID, "delivered", ana, template.Callback, h.clock.Now()))
	h.waitState(accepted, "delivered")
}
