// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// refuse adds a fault for sends.
func (h *harness) refuse(body string, times int) {
	h.Graph.Faults.Add(standin.Fault{
		PathPrefix: "/" + number + "/messages",
		Status:     http.StatusBadRequest,
		Body:       body,
		Times:      times,
	})
}

// An answer whose quotation Meta refuses is sent once without it.
func TestAnswerGoesOutWithoutARefusedQuotation(t *testing.T) {
	for name, tc := range map[string]struct {
		refusal string
		state   store.State
		sent    int
	}{
		"a refused parameter": {
			refusal: `{"error":{"code":100,"message":"(#100) Invalid parameter","error_data":{"details":"The parameter context['message_id'] is not valid"}}}`,
			state:   store.Done,
			sent:    1,
		},
		"a refused value": {
			refusal: `{"error":{"code":131009,"message":"(#131009) Parameter value is not valid","error_data":{"details":"Message ID does not exist"}}}`,
			state:   store.Done,
			sent:    1,
		},
		"in the words for the user": {
			refusal: `{"error":{"code":131009,"error_user_msg":"The quoted message is no longer available."}}`,
			state:   store.Done,
			sent:    1,
		},
		"without a reason": {
			refusal: `{"error":{"code":131009,"message":"(#131009) Parameter value is not valid"}}`,
			state:   store.Done,
			sent:    1,
		},
		"another parameter": {
			refusal: `{"error":{"code":131009,"error_data":{"details":"Param text must not be empty"}}}`,
			state:   store.Dead,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.refuse(tc.refusal, 1)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitIdle()

			record := h.record("wamid.1")
			if record.Event.State != tc.state || record.Attempts != 1-tc.sent {
				t.Errorf("state = %s after %d attempts, want %s", record.Event.State, record.Attempts, tc.state)
			}

			for _, message := range h.waitSent(tc.sent) {
				if message.ContextID != "" {
					t.Errorf("sent with a quotation of %q, want none", message.ContextID)
				}
			}
		})
	}
}

// A send that Meta refuses with and without its quotation is not tried a third time.
func TestRefusedQuotationIsDroppedOnce(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.refuse(`{"error":{"code":131009,"error_data":{"details":"context"}}}`, 0)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitIdle()

	if got := h.record("wamid.1").Event.State; got != store.Dead {
		t.Errorf("state = %s, want a dead letter", got)
	}

	if calls := h.Graph.Recorder.Total(); calls != 2 {
		t.Errorf("%d sends, want 2", calls)
	}
}

// The send without the quotation waits for its status like any other if its response is lost.
func TestSendWithoutTheQuotationIsNotRepeated(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.AmbiguousWindow = time.Hour // only the status can end it
	})
	h.refuse(`{"error":{"code":131009,"error_data":{"details":"context"}}}`, 1)
	h.Graph.Faults.Add(standin.Fault{
		PathPrefix: "/" + number + "/messages",
		Cut:        standin.CutAfter,
		Times:      1,
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	sent := h.waitSent(1)[0]
	h.waitFor("the send to fail", func() bool { return len(h.record("wamid.1").Failures) > 0 })
	h.deliver(http.StatusOK, standin.StatusDelivery(number, sent.ID, "sent", ana, sent.Callback, time.Now()))
	h.waitIdle()
	h.waitSent(1)

	if got := h.record("wamid.1").Event.State; got != store.Done {
		t.Errorf("state = %s, want done", got)
	}
}

// Meta refuses a send while another responder has the conversation. The AI then keeps silent until that is over.
func TestRefusalForAnotherResponderHandsTheConversationOver(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.reply = func(string, map[string]any) any { return map[string]any{"response": []any{"one", apart("two")}} }
	h.refuse(`{"error":{"code":2494191,"message":"(#2494191) Thread take not permitted"}}`, 1)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitIdle()

	record := h.record("wamid.1")
	if record.Event.State != store.Human {
		t.Errorf("state = %s, want human", record.Event.State)
	}

	if diff := cmp.Diff([]store.ReplyState{store.Planned, store.Planned}, replyStates(record)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}

	// A later message would show that this app has the conversation again.
	h.deliver(http.StatusOK, textAt("wamid.2", "are you there?", h.clock.Now().Add(-time.Minute)))
	h.waitIdle()
	h.waitSent(0)

	if got := h.record("wamid.2").Event.State; got != store.Human {
		t.Errorf("the next message is %s, want human", got)
	}

	h.deliver(http.StatusOK, handover("control_passed", h.clock.Now().Add(time.Second)))
	h.waitIdle()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "hello again"))
	h.waitSent(2)
}

// A failed status says the same if Meta has accepted the send.
func TestFailureForAnotherResponderHandsTheConversationOver(t *testing.T) {
	for name, recipient := range recipients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withoutTyping)
			h.start()
			h.deliver(http.StatusOK, hidden(ana, "CO.99", "wamid.1", "hello"))
			first := h.waitSent(1)[0]
			h.waitIdle()
			h.deliver(http.StatusOK, failed(first, recipient, 2494191))
			h.waitIdle()
			h.deliver(http.StatusOK, textAt("wamid.2", "are you there?", h.clock.Now().Add(-time.Minute)))
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.3", "hello"))
			h.waitIdle()

			if sent := h.waitSent(2); sent[1].Text != "You said: hello" {
				t.Errorf("sent %q, want only the answer to the other person", sent[1].Text)
			}

			if got := h.record("wamid.2").Event.State; got != store.Human {
				t.Errorf("the next message is %s, want human", got)
			}

			if n := h.stats().HumanConversations; n != 1 {
				t.Errorf("people have %d conversations, want that of the message", n)
			}
		})
	}
}

// TestFailureForAnotherResponderOfAnUnknownPerson checks that a message of another application to a person whom the status
// does not name hands nothing over.
func TestFailureForAnotherResponderOfAnUnknownPerson(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, failed(standin.SentMessage{ID: "wamid.theirs", Callback: "theirs"}, recipients["nothing"], 2494191))
	h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
	h.waitIdle()

	if n := h.stats().HumanConversations; n != 0 {
		t.Errorf("people have %d conversations, want none", n)
	}
}
