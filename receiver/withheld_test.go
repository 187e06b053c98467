// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// replyStates returns the states of the parts of an answer.
func replyStates(r *store.Record) []store.ReplyState {
	var states []store.ReplyState
	for _, reply := range r.Replies {
		states = append(states, reply.State)
	}

	return states
}

// TestAnswerEndsWhereAColleagueTakesOver checks that the parts which were not sent yet are withheld, and stay visible.
func TestAnswerEndsWhereAColleagueTakesOver(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.reply = func(string, map[string]any) any { return map[string]any{"response": []any{"one", apart("two")}} }

	// The answer to the first send is late, so that the colleague writes before the second.
	sending, accept := h.holdSend()
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	<-sending
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	close(accept)
	h.waitIdle()
	h.waitSent(1)

	record := h.record("wamid.1")
	if record.Event.State != store.Human {
		t.Errorf("the message is %s, want human", record.Event.State)
	}

	if diff := cmp.Diff([]store.ReplyState{store.Sent, store.Planned}, replyStates(record)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// TestHandoffIsSentCompletely checks that the answer which hands a conversation over is sent in full, although people
// have the conversation from its first part on, even after a failed send and a restart.
func TestHandoffIsSentCompletely(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.Retry = config.Retry{BaseDelay: time.Minute, MaxDelay: time.Minute}
	})
	h.reply = func(string, map[string]any) any {
		return map[string]any{
			"response": []any{"one", apart("two")},
			"handoff":  map[string]any{"reason": "asked", "text": "A colleague will write to you."},
		}
	}

	h.start()

	refused := standin.GraphError(131016, "", 0)
	refused.PathPrefix = "/" + number + "/messages"
	id := h.Graph.Faults.Add(refused)

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
	h.waitFor("the send to fail", func() bool { return len(h.record("wamid.1").Failures) > 0 })
	h.stop()
	h.Graph.Faults.Remove(id)
	h.clock.Advance(10 * time.Minute)
	h.start()

	var texts []string
	for _, message := range h.waitSent(3) {
		texts = append(texts, message.Text)
	}

	if diff := cmp.Diff([]string{"one", "two", "A colleague will write to you."}, texts); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	h.waitIdle()

	if record := h.record("wamid.1"); record.Event.State != store.Done {
		t.Errorf("the message is %s, want done", record.Event.State)
	}
}

// TestTakeoverAppliesToANewNumber checks that a change of number joins the names of a person even while a colleague has
// the conversation.
func TestTakeoverAppliesToANewNumber(t *testing.T) {
	const newNumber = "573009990000"

	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.deliver(http.StatusOK, fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":%q},"messages":[{"from":%q,"id":"wamid.change","type":"system","system":{"type":"user_changed_number","wa_id":%q}}]}}]}]}`,
		number, ana, newNumber))
	h.deliver(http.StatusOK, textDelivery(newNumber, "wamid.2", "it is me"))
	h.waitIdle()
	h.waitSent(1)

	if got := h.record("wamid.2").Event.State; got != store.Human {
		t.Errorf("the message from the new number is %s, want human: the colleague has the conversation", got)
	}
}

// TestHandoffAfterATakeoverIsWithheld checks that a handoff changes nothing if a colleague took the conversation over
// while Bird was asked: neither is its text sent, nor does the sink hear that the person waits.
func TestHandoffAfterATakeoverIsWithheld(t *testing.T) {
	h := newHarness(t, withoutTyping)
	asked, answer := h.holdAnswer(func(string, map[string]any) any {
		return map[string]any{"response": map[string]any{"type": "handoff", "text": "A colleague will write to you."}}
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
	<-asked
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	close(answer)
	h.waitIdle()
	h.waitSent(0)

	if got := h.record("wamid.1").Event.State; got != store.Human {
		t.Errorf("the message is %s, want human", got)
	}

	if n := len(h.sink.notices("conversation.handed_off")); n != 0 {
		t.Errorf("%d notices of a handoff, want none", n)
	}

	conversation, err := h.Local.Store().Conversation(t.Context(), number+":"+ana)
	if err != nil || conversation.Takeover.By != store.Colleague {
		t.Errorf("conversation is %+v, %v, want the colleague's", conversation, err)
	}
}
