// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// noPaymentMethod is the code with which Meta reports that an account cannot pay, after it has accepted a message.
const noPaymentMethod = 131042

// wantProblem checks whether the status has a problem with a text.
func (h *harness) wantProblem(text string, want bool) {
	h.t.Helper()

	found := false
	for _, problem := range h.status().Problems {
		found = found || strings.Contains(problem, text)
	}

	if found != want {
		h.t.Errorf("problems = %q, want one with %q: %t", h.status().Problems, text, want)
	}
}

// undelivered delivers that the last of n messages, to ana, was not delivered, and waits until the status shows it.
func (h *harness) undelivered(code, n int) {
	h.t.Helper()

	sent := h.waitSent(n)[n-1]
	h.waitFor("the send is recorded", func() bool { return !h.Local.Busy() })
	h.deliver(http.StatusOK, standin.FailedDelivery(number, sent.ID, ana, sent.Callback, code, h.clock.Now()))
	h.waitFor("the failure is a problem", func() bool { return h.status().Problems["deliver message"] != "" && !h.Local.Busy() })
}

// TestAccountThatMetaDoesNotDeliverFor lets Meta accept an answer and report that the account may not send. The answer is sent
// again once an administrator had time to fix that, and other messages do not wait: the reason may concern this one alone.
func TestAccountThatMetaDoesNotDeliverFor(t *testing.T) {
	for code, problem := range map[int]string{
		368:             "policy violations",
		131031:          "locked",
		131037:          "display name",
		noPaymentMethod: "payment problem",
		131064:          "template classification",
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, byDefault)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.undelivered(code, 1)
			h.wantProblem(problem, true)
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
			h.waitSent(2)

			h.pass(45*time.Second, 15*time.Second)
			h.waitSent(3)
			h.waitIdle()

			if asked := h.birdRequests(); len(asked) != 2 {
				t.Errorf("Bird was asked %d times, want once for each message", len(asked))
			}

			if !saysResent(h.sink.notices("message.failed")[0]) {
				t.Error("the notice does not say that the message is sent again")
			}

			h.pass(time.Hour, 20*time.Minute)
			h.wantProblem(problem, false)
		})
	}
}

// TestOlderReportKeepsTheProblem delivers an older report after a newer one. The problem stays for an hour after the newer one.
func TestOlderReportKeepsTheProblem(t *testing.T) {
	h := newHarness(t, byDefault)
	h.start()
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.1", "hello"))
	earlier := h.waitSent(1)[0]
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "hello"))
	h.undelivered(noPaymentMethod, 2)
	h.pass(45*time.Second, 15*time.Second)
	h.waitSent(3) // the newer report is processed to its end

	before := h.clock.Now().Add(-50 * time.Minute)
	h.deliver(http.StatusOK, standin.FailedDelivery(number, earlier.ID, luis, earlier.Callback, noPaymentMethod, before))
	h.pass(45*time.Second, 15*time.Second)
	h.waitFor("both reports are processed", func() bool { return len(h.sink.notices("message.failed")) == 2 })
	h.pass(20*time.Minute, 10*time.Minute)
	h.wantProblem("payment problem", true)
	h.pass(time.Hour, 20*time.Minute)
	h.wantProblem("payment problem", false)
}

// TestAccountThatIsNotFixed lets Meta report each send of an answer as failed. It becomes a dead letter that can be replayed.
func TestAccountThatIsNotFixed(t *testing.T) {
	h := newHarness(t, byDefault)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.undelivered(noPaymentMethod, 1)
	h.pass(45*time.Second, 15*time.Second)
	h.undelivered(noPaymentMethod, 2)
	h.pass(9*time.Minute, time.Minute)
	h.waitSent(2)
	h.pass(2*time.Minute, time.Minute)
	h.undelivered(noPaymentMethod, 3)
	h.waitFor("the message is a dead letter", func() bool { return h.record("wamid.1").Event.State == store.Dead })
	h.wantProblem("payment problem", true)

	record := h.record("wamid.1")
	if last := record.Failures[len(record.Failures)-1]; last.Code != fmt.Sprint(noPaymentMethod) {
		t.Errorf("the last failure has code %s, want that of the reports", last.Code)
	}

	h.waitFor("the last failure is announced", func() bool { return len(h.sink.notices("message.failed")) == 3 })

	if saysResent(h.sink.notices("message.failed")[2]) {
		t.Error("the notice says that the message is sent again")
	}

	h.replay("wamid.1")
	h.waitSent(4)
	h.waitIdle()

	if got := h.record("wamid.1").Event.State; got != store.Done {
		t.Errorf("the message is %s, want done", got)
	}
}

// TestFailuresThatAreNoProblem lets Meta report failures that need no administrator now.
func TestFailuresThatAreNoProblem(t *testing.T) {
	hourAgo := func(h *harness, sent standin.SentMessage) []byte {
		return standin.FailedDelivery(number, sent.ID, ana, sent.Callback, noPaymentMethod, h.clock.Now().Add(-time.Hour))
	}

	for name, tc := range map[string]struct {
		status  func(*harness, standin.SentMessage) []byte
		resends int
	}{
		"an hour ago, redelivered": {status: hourAgo, resends: 1},
		"of another application": {status: func(h *harness, _ standin.SentMessage) []byte {
			return standin.FailedDelivery(number, "wamid.theirs", ana, "theirs", noPaymentMethod, h.clock.Now())
		}},
		"to one participant of a group": {status: func(h *harness, sent standin.SentMessage) []byte {
			return standin.Status{
				PhoneNumberID: number,
				MessageID:     sent.ID,
				Status:        "failed",
				Recipient:     "bWFkZQ",
				Participants:  []string{"573009999999"},
				Callback:      sent.Callback,
				Code:          noPaymentMethod,
				At:            h.clock.Now(),
			}.Delivery()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, byDefault)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			sent := h.waitSent(1)[0]
			h.waitIdle()
			h.deliver(http.StatusOK, tc.status(h, sent))
			h.pass(45*time.Second, 15*time.Second)
			h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
			h.waitIdle()
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
			h.waitIdle()
			h.waitSent(2 + tc.resends)

			h.wantProblem("payment problem", false)
		})
	}
}

// TestReportedAccountErrorIsAProblem lets Meta report that the account is locked, about no message.
func TestReportedAccountErrorIsAProblem(t *testing.T) {
	h := newHarness(t, byDefault)
	h.start()
	h.deliver(http.StatusOK, []byte(`{"object":"whatsapp_business_account","entry":[{"id":"`+standin.DeliveryBusinessAccountID+`",
		"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"`+number+`"},"errors":[{"code":131031}]}}]}]}`))
	h.waitFor("the report is processed", func() bool { return len(h.sink.notices("error.reported")) == 1 })
	h.wantProblem("locked", true)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.waitIdle()
	h.pass(time.Hour, 20*time.Minute)
	h.wantProblem("locked", false)
}
