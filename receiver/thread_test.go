// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const threadPath = "/v27.0/" + number + "/thread_control"

func handsOff(string, map[string]any) any {
	return map[string]any{"response": map[string]any{"type": "handoff", "text": "A colleague will write to you."}}
}

func passing(c *config.Config) {
	withoutTyping(c)

	c.Processing.PassThreadControl = true
}

// passes returns the calls that pass a conversation.
func (h *harness) passes() []standin.Call {
	return h.Graph.Recorder.Calls(standin.On(http.MethodPost, threadPath))
}

func TestHandoffPassesTheConversation(t *testing.T) {
	for name, tc := range map[string]struct {
		adjust   func(*config.Config)
		delivery []byte
		reply    func(string, map[string]any) any
		want     map[string]any // of the request, nil if there is none
	}{
		"by phone number": {
			passing, textDelivery(ana, "wamid.1", "a person, please"), handsOff,
			map[string]any{"messaging_product": "whatsapp", "to": "+" + ana, "action": "pass"},
		},
		"by user id": {
			passing, hidden("", "CO.99", "wamid.1", "a person, please"), handsOff,
			map[string]any{"messaging_product": "whatsapp", "recipient": "CO.99", "action": "pass"},
		},
		"of a group": {
			passing, messagesDelivery(`"messages":[{"id":"wamid.1","from":"573001234567","group_id":"g","type":"text","text":{"body":"hi"}}]`),
			handsOff, nil,
		},
		"not configured":    {withoutTyping, textDelivery(ana, "wamid.1", "hi"), handsOff, nil},
		"without a handoff": {passing, textDelivery(ana, "wamid.1", "hi"), standin.EchoReply, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, tc.adjust)
			h.reply = tc.reply
			h.start()
			h.deliver(http.StatusOK, tc.delivery)
			h.waitSent(1)
			h.waitIdle()

			calls := h.passes()
			if tc.want == nil {
				if len(calls) > 0 {
					t.Errorf("%d calls pass the conversation, want none", len(calls))
				}

				return
			}

			if len(calls) != 1 {
				t.Fatalf("%d calls pass the conversation, want one", len(calls))
			}

			var got map[string]any
			if err := json.Unmarshal(calls[0].Body, &got); err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPassIsRetried checks that a failed pass delays no answer, and is made again.
func TestPassIsRetried(t *testing.T) {
	h := newHarness(t, passing)
	h.reply = handsOff
	h.Graph.Faults.Add(standin.Fault{
		Method:     http.MethodPost,
		PathPrefix: threadPath,
		Status:     http.StatusInternalServerError,
		Times:      2,
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
	h.waitSent(1)
	h.waitFor("the pass", func() bool { return len(h.passes()) == 3 })
	h.waitIdle()

	if state := h.record("wamid.1").Event.State; state != store.Done {
		t.Errorf("the message is %s, want done", state)
	}

	if stats := h.stats(); stats.DeadLetters > 0 {
		t.Errorf("%d dead letters, want none", stats.DeadLetters)
	}
}

// TestRefusedPassEnds checks that a business without another responder gets the answer, and no endless calls.
func TestRefusedPassEnds(t *testing.T) {
	for _, code := range []int{100, 2494191} {
		h := newHarness(t, passing)
		h.reply = handsOff
		fault := standin.GraphError(code, "", 0)
		fault.PathPrefix = threadPath
		h.Graph.Faults.Add(fault)
		h.start()
		h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
		h.waitSent(1)
		h.waitIdle()

		if calls := h.passes(); len(calls) != 1 {
			t.Errorf("code %d: %d calls pass the conversation, want one", code, len(calls))
		}

		h.stop()
	}
}
