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
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// conversation returns the state of ana's conversation.
func (h *harness) conversation() store.Conversation {
	h.t.Helper()

	state, err := h.Local.Store().Conversation(h.t.Context(), number+":"+ana)
	if err != nil {
		h.t.Fatal(err)
	}

	return state
}

// waitEnded waits until an event has ended, and returns it.
func (h *harness) waitEnded(id store.ID) *store.Record {
	h.t.Helper()
	h.waitFor("the event to end", func() bool { return h.event(id).Event.State != store.Pending })

	return h.event(id)
}

// begin lets ana write, and waits for the answer.
func (h *harness) begin() {
	h.t.Helper()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.waitIdle()
}

func TestOutboundMessage(t *testing.T) {
	for name, tc := range map[string]struct {
		body   string
		inTime bool // within the service window
		adjust func(*config.Config)
		sent   []string // types
		state  store.State
		code   string // of the failure
	}{
		"a text": {
			body:   `{"response":"We are open."}`,
			inTime: true,
			sent:   []string{"text"},
			state:  store.Done,
		},
		"a text and a picture": {
			body:   `{"response":[{"type":"image","media_id":"1"},"We are open."]}`,
			inTime: true,
			sent:   []string{"image", "text"},
			state:  store.Done,
		},
		"a reaction to no question": {
			body:   `{"response":[{"type":"reaction","emoji":"👍"}]}`,
			inTime: true,
			state:  store.Done,
		},
		"after the window": {
			body:  `{"response":"We are open."}`,
			state: store.Dead,
			code:  "131047",
		},
		"a template after the window": {
			body:  `{"response":{"type":"template","name":"come_back","language":"es"}}`,
			sent:  []string{"template"},
			state: store.Done,
		},
		"with the fallback template": {
			body:   `{"response":"We are open."}`,
			adjust: withTemplate,
			sent:   []string{"template"},
			state:  store.Done,
		},
		"what cannot be sent": {
			body:   `{"response":{"type":"list","text":"Choose","sections":[{"title":"a","rows":[{"id":"1","title":"x"},{"id":"1","title":"y"}]}]}}`,
			inTime: true,
			adjust: withFallback,
			state:  store.Dead,
			code:   "bad_content",
		},
		"what is not an answer": {
			body:   `{"accepted":true}`,
			inTime: true,
			adjust: withFallback,
			state:  store.Dead,
			code:   "bad_response",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			adjust := tc.adjust
			if adjust == nil {
				adjust = withoutTyping
			}

			h := newHarness(t, adjust)
			h.start()
			h.begin()

			if !tc.inTime {
				h.clock.Advance(25 * time.Hour)
			}

			message := h.unasked(outbound.Assistant, "")
			message.Body = json.RawMessage(tc.body)
			record := h.waitEnded(h.post("key", message))

			var types []string

			for _, sent := range h.waitSent(1 + len(tc.sent))[1:] {
				types = append(types, sent.Type)

				if sent.To != ana && sent.To != "+"+ana || sent.ContextID != "" {
					t.Errorf("sent to %q as a reply to %q, want to ana", sent.To, sent.ContextID)
				}
			}

			if diff := cmp.Diff(tc.sent, types); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}

			code := ""
			if n := len(record.Failures); n > 0 {
				code = record.Failures[n-1].Code
			}

			if record.Event.State != tc.state || code != tc.code {
				t.Errorf("the message ended as %s with the code %q, want %s, %q", record.Event.State, code, tc.state, tc.code)
			}
		})
	}
}

// TestOutboundMessageToAStranger sends a template to a person who never wrote.
func TestOutboundMessageToAStranger(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	message := h.unasked(outbound.Assistant, "")
	message.Body = json.RawMessage(`{"response":{"type":"template","name":"come_back","language":"es"}}`)
	h.waitEnded(h.post("key", message))

	if got := h.waitSent(1)[0]; got.To != "+"+ana && got.To != ana {
		t.Errorf("sent to %q, want ana", got.To)
	}

	free := h.waitEnded(h.post("key 2", h.unasked(outbound.Desk, "hello")))
	if free.Event.State != store.Dead {
		t.Errorf("a text to a person who never wrote ended as %s, want dead", free.Event.State)
	}

	h.waitSent(1)
}

// TestReactionOfALaterAnswer checks that a reaction in a posted answer goes to the question.
func TestReactionOfALaterAnswer(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "thanks"))
	h.waitAsked("wamid.1")

	message := h.answerTo("wamid.1", "")
	message.Body = json.RawMessage(`{"response":{"type":"reaction","emoji":"👍"},"conversation_id":"c-7"}`)
	h.post("key", message)

	var sent struct {
		Reaction struct {
			MessageID string `json:"message_id"`
		} `json:"reaction"`
	}
	if err := json.Unmarshal(h.waitSent(1)[0].Raw, &sent); err != nil || sent.Reaction.MessageID != "wamid.1" {
		t.Errorf("reaction to %q (%v), want to the question", sent.Reaction.MessageID, err)
	}

	h.waitFor("the AI's id of the conversation", func() bool { return h.conversation().AIConversationID == "c-7" })
}

// TestPeopleHaveTheConversation posts while people have the conversation. Only the desk's message is sent.
func TestPeopleHaveTheConversation(t *testing.T) {
	h := newHarness(t, withFallback)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.waitAsked("wamid.1")
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))

	late := h.post("key 1", h.answerTo("wamid.1", "Ten euros."))
	proactive := h.post("key 2", h.unasked(outbound.Assistant, "The shop closes at ten."))

	desk := h.unasked(outbound.Desk, "")
	desk.Body = json.RawMessage(`{"response":["Hello, I am Eva.",{"type":"text","text":"Ten euros.","preview_url":true}]}`)
	byDesk := h.post("key 3", desk)

	for id, want := range map[store.ID]store.State{
		late:      store.Human,
		proactive: store.Human,
		byDesk:    store.Done,
	} {
		if got := h.waitEnded(id).Event.State; got != want {
			t.Errorf("%s ended as %s, want %s", id, got, want)
		}
	}

	if diff := cmp.Diff([]string{"Hello, I am Eva.", "Ten euros."}, sentTexts(h.waitSent(2))); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// TestOutboundMessageEndsWhereAColleagueTakesOver checks that the rest of an AI's message is withheld, and of a desk's not.
func TestOutboundMessageEndsWhereAColleagueTakesOver(t *testing.T) {
	for role, sent := range map[outbound.Role]int{outbound.Assistant: 2, outbound.Desk: 3} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withoutTyping)
			h.start()
			h.begin()

			sending, accept := h.holdSend()
			message := h.unasked(role, "")
			message.Body = json.RawMessage(`{"response":["one",{"type":"text","text":"two","preview_url":true}]}`)
			h.post("key", message)
			<-sending
			h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
			close(accept)
			h.waitIdle()
			h.waitSent(sent)
		})
	}
}

// TestHandoffOfALaterAnswer checks that a posted answer can hand the conversation over, and is sent in full.
func TestHandoffOfALaterAnswer(t *testing.T) {
	h := newHarness(t, withFallback)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
	h.waitAsked("wamid.1")

	message := h.answerTo("wamid.1", "")
	message.Body = json.RawMessage(`{"response":["One moment.",{"type":"text","text":"I ask.","preview_url":true}],"handoff":{"reason":"asked","text":"A colleague will write to you."}}`)
	id := h.post("key", message)
	h.waitEnded(id)

	want := []string{"One moment.", "I ask.", "A colleague will write to you."}
	if diff := cmp.Diff(want, sentTexts(h.waitSent(3))); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	if takeover := h.conversation().Takeover; takeover.By != store.HandedOff || takeover.Event != id {
		t.Errorf("takeover = %+v, want the handoff by the message", takeover)
	}

	h.waitFor("the notice", func() bool { return len(h.sink.notices("conversation.handed_off")) == 1 })
	h.waitDeadline("wamid.1")
	h.waitSent(3)
}

// TestOutboundMessageAfterARestart stops the receiver between the acceptance of a message and its send, and while the outcome
// of the send is unknown.
func TestOutboundMessageAfterARestart(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.AmbiguousWindow = time.Hour // only the status can end it
	})
	h.start()
	h.begin()

	refusal := h.Graph.Faults.Add(standin.Fault{Status: http.StatusUnauthorized, PathPrefix: "/" + number + "/messages"})
	id := h.post("key", h.unasked(outbound.Desk, "We are open."))
	h.waitFor("the message to wait", func() bool { return len(h.event(id).Failures) > 0 })
	h.stop()
	h.Graph.Faults.Remove(refusal)
	h.start()
	h.waitSent(2)
	h.waitEnded(id)

	h.Graph.Faults.Add(standin.Fault{PathPrefix: "/" + number + "/messages", Cut: standin.CutAfter, Times: 1})
	second := h.post("key 2", h.unasked(outbound.Desk, "We are closed."))
	h.waitFor("the unknown outcome", func() bool { return len(h.event(second).Failures) > 0 })

	sent := h.waitSent(3)[2]
	h.stop()
	h.start()
	h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(
		`"statuses":[{"id":%q,"status":"sent","recipient_id":%q,"biz_opaque_callback_data":%q}]`, sent.ID, ana, sent.Callback)))
	h.waitEnded(second)
	h.waitSent(3)
}

// TestFailedOutboundMessageIsSentAgain reports a temporary failure of a desk's message, which is sent again although people
// have the conversation.
func TestFailedOutboundMessageIsSentAgain(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.begin()
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.waitEnded(h.post("key", h.unasked(outbound.Desk, "We are open.")))
	h.deliver(http.StatusOK, failed(h.waitSent(2)[1], `"recipient_id":"573001234567"`, 131016))

	sent := h.waitSent(3)
	if sent[2].Text != "We are open." || sent[2].Callback == sent[1].Callback {
		t.Errorf("sent %+v, want the message again", sent[2])
	}
}

// TestReplayOfAnOutboundMessage replays a dead letter.
func TestReplayOfAnOutboundMessage(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.begin()

	h.refuseSend(131026)

	id := h.post("key", h.unasked(outbound.Assistant, "We are open."))
	if got := h.waitEnded(id).Event.State; got != store.Dead {
		t.Fatalf("the message ended as %s, want dead", got)
	}

	h.waitFor("the notice", func() bool { return len(h.sink.notices("message.dead")) == 1 })
	h.console(http.StatusOK, http.MethodPost, "/dead-letters/"+id.String()+"/replay", nil)
	h.waitSent(2)
	h.waitEnded(id)
}
