// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

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

// asksForPeople hands the conversation off if the person wants that.
func asksForPeople(method string, request map[string]any) any {
	if request["text"] == "a person, please" {
		return handsOff(method, request)
	}

	return standin.EchoReply(method, request)
}

// passingByDefault passes conversations, with the default times of retries.
func passingByDefault(c *config.Config) {
	byDefault(c)
	passing(c)
}

// TestRefusedPassEnds checks that a pass which Meta refuses, as without another responder or a permission that only passes
// need, is not repeated, and does not stop the sends.
func TestRefusedPassEnds(t *testing.T) {
	for name, refusal := range map[string]standin.APIError{
		"no escalation partner":   {Code: 100},
		"of another responder":    {Code: 2494191},
		"no such object":          {Code: 100, Subcode: 33},
		"no capability":           {Code: 3},
		"the permission is gone":  {Code: 10},
		"a permission is missing": {Code: 200},
		"access denied":           {Code: 131005},
		"the account is locked":   {Code: 131031},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, passingByDefault)
			h.reply = asksForPeople
			fault := refusal.Fault()
			fault.PathPrefix = threadPath
			h.Graph.Faults.Add(fault)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
			h.waitSent(1)
			h.waitIdle()
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
			h.waitSent(2)
			h.waitIdle()

			if calls := h.passes(); len(calls) != 1 {
				t.Errorf("%d calls pass the conversation, want one", len(calls))
			}

			if report := h.status(); len(report.ClosedScopes) > 0 || len(report.Problems) > 0 {
				t.Errorf("closed scopes = %v, problems = %v, want none", report.ClosedScopes, report.Problems)
			}
		})
	}
}

// TestFailedPassesAreNoOutage checks that passes which Meta's server fails again and again do not stop the sends.
func TestFailedPassesAreNoOutage(t *testing.T) {
	h := newHarness(t, passingByDefault)
	h.reply = asksForPeople
	outage := h.Graph.Faults.Add(standin.Fault{PathPrefix: threadPath, Status: http.StatusInternalServerError})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "a person, please"))
	h.waitSent(2)
	h.waitFor("many failed passes", func() bool {
		h.pass(time.Minute, time.Minute)

		return len(h.passes()) >= 20
	})

	if report := h.status(); len(report.ClosedScopes) > 0 || len(report.Problems) > 0 {
		t.Errorf("closed scopes = %v, problems = %v, want none", report.ClosedScopes, report.Problems)
	}

	h.deliver(http.StatusOK, textDelivery(person(3), "wamid.3", "hello"))
	h.waitSent(3)

	h.Graph.Faults.Remove(outage)
	h.waitFor("the passes", func() bool {
		h.pass(time.Minute, time.Minute)

		return h.stats().PendingStatuses == 0
	})
}

// TestPassOfARefusedCaller checks that a refusal of all calls, as of the token, stops the sends too, and that the pass is made
// once it is fixed.
func TestPassOfARefusedCaller(t *testing.T) {
	proof := func(words string) standin.Fault {
		return standin.Fault{Status: http.StatusBadRequest, Body: `{"error":{"code":100,"message":"` + words + `"}}`}
	}

	for name, tc := range map[string]struct {
		fault standin.Fault
		waits bool // whether a message waits too
	}{
		"the token":                 {standin.GraphError(190, "", 0), true},
		"the token, of passes only": {standin.GraphError(190, "", 0), false},
		"the proof":                 {proof("Invalid appsecret_proof provided in the API argument"), true},
		"no proof":                  {proof("API calls from the server require an appsecret_proof argument"), false},
		"the address of calls":      {standin.GraphError(5, "", 0), true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, passingByDefault)
			h.reply = asksForPeople
			id := h.refusePasses(tc.fault)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
			h.waitSent(1)
			h.waitFor("the closed scope", func() bool { return len(h.status().ClosedScopes) == 1 })

			if report := h.status(); report.ClosedScopes[0].Scope != "app" || report.Problems["pass the conversation"] == "" {
				t.Errorf("closed scopes = %v, problems = %v, want the refused caller", report.ClosedScopes, report.Problems)
			}

			if tc.waits {
				h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
			}

			h.Graph.Faults.Remove(id)
			h.waitFor("the pass", func() bool {
				h.pass(10*time.Minute, 10*time.Second)

				return h.stats().PendingStatuses == 0
			})
			h.waitIdle()

			if calls := h.passes(); calls[len(calls)-1].Status != http.StatusOK {
				t.Errorf("the last of %d passes was answered %d, want 200", len(calls), calls[len(calls)-1].Status)
			}

			if report := h.status(); len(report.ClosedScopes) > 0 || len(report.Problems) > 0 {
				t.Errorf("closed scopes = %v, problems = %v, want none", report.ClosedScopes, report.Problems)
			}
		})
	}
}

// refusePasses lets Meta refuse all passes until the fault is removed.
func (h *harness) refusePasses(fault standin.Fault) (id int) {
	fault.PathPrefix = threadPath

	return h.Graph.Faults.Add(fault)
}

// TestProblemOfAPassThatEnds checks that the refused token is not a problem of passes any more when the pass that met it is over
// without another call.
func TestProblemOfAPassThatEnds(t *testing.T) {
	for name, end := range map[string]func(*harness){
		"taken over": func(h *harness) {
			h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/take-over", nil)
		},
		"given back": func(h *harness) {
			h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/give-back", nil)
		},
		"expired": func(h *harness) { h.clock.Advance(25 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { passingByDefault(c); c.Processing.HandoffDuration = 48 * time.Hour })
			h.reply = asksForPeople
			h.refusePasses(standin.GraphError(190, "", 0))
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
			h.waitSent(1)
			h.waitFor("the problem", func() bool { return h.status().Problems["pass the conversation"] != "" })
			end(h)
			h.waitFor("the end of the pass", func() bool {
				h.pass(10*time.Minute, time.Minute)

				return h.stats().PendingStatuses == 0
			})

			if problem := h.status().Problems["pass the conversation"]; problem != "" {
				t.Errorf("problem = %q, want none", problem)
			}
		})
	}
}
