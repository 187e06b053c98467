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

// waitProbe waits until Meta has accepted the n-th message, and the receiver knows it.
func (h *harness) waitProbe(n int) {
	h.t.Helper()
	h.waitSent(n)
	h.waitFor("the send is recorded", func() bool { return !h.Local.Busy() })
}

// fails delivers that the last of n messages to ana was not delivered, and waits for the n-th notice.
func (h *harness) fails(code, n int) {
	h.t.Helper()

	h.waitProbe(n)
	h.failedWith(code, h.Graph.Sent()[n-1], n)
	h.waitFor("all that is due is done", h.nothingDue)
}

// TestAccountThatMetaDoesNotDeliverFor lets Meta accept an answer and report that the account may not send. The answer waits
// with all others until the account is mended.
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
			h.fails(code, 1)
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
			h.waitFor("all that is due is done", h.nothingDue)
			h.wantProblem(problem, true)

			for _, message := range []string{"wamid.1", "wamid.2"} {
				if got := h.record(message); got.Event.State != store.Pending || got.Attempts != 0 {
					t.Errorf("%s is %s after %d attempts, want pending after none", message, got.Event.State, got.Attempts)
				}
			}

			h.waitSent(1)

			if asked := h.birdRequests(); len(asked) != 1 {
				t.Errorf("Bird was asked %d times, want not while nothing is delivered", len(asked))
			}

			if !saysResent(h.sink.notices("message.failed")[0]) {
				t.Error("the notice does not say that the message is sent again")
			}

			h.pass(45*time.Second, 15*time.Second) // the account is mended
			h.waitProbe(2)
			h.wantProblem(problem, true) // Meta accepted the first one too
			h.pass(45*time.Second, 15*time.Second)
			h.waitSent(3)
			h.waitIdle()
			h.wantProblem(problem, false)
		})
	}
}

// TestAccountThatStaysUnmended lets Meta report each send of an answer as failed. It becomes a dead letter that can be replayed,
// and other messages wait.
func TestAccountThatStaysUnmended(t *testing.T) {
	h := newHarness(t, byDefault)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.fails(noPaymentMethod, 1)
	h.pass(45*time.Second, 15*time.Second)
	h.fails(noPaymentMethod, 2)
	h.pass(90*time.Second, 15*time.Second)
	h.waitSent(2)
	h.pass(45*time.Second, 15*time.Second)
	h.fails(noPaymentMethod, 3)
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
	h.waitFor("all that is due is done", h.nothingDue)
	h.wantProblem("payment problem", true)

	record := h.record("wamid.1")
	if record.Event.State != store.Dead {
		t.Errorf("the message is %s, want a dead letter", record.Event.State)
	}

	if last := record.Failures[len(record.Failures)-1]; last.Code != fmt.Sprint(noPaymentMethod) {
		t.Errorf("the last failure has code %s, want that of the reports", last.Code)
	}

	if saysResent(h.sink.notices("message.failed")[2]) {
		t.Error("the notice says that the message is sent again")
	}

	if got := h.record("wamid.2").Event.State; got != store.Pending {
		t.Errorf("the other message is %s, want pending", got)
	}

	h.replay("wamid.1")
	h.pass(9*time.Minute, 30*time.Second) // the account is mended
	h.waitProbe(4)
	h.pass(45*time.Second, 15*time.Second)
	h.waitSent(5)
	h.waitIdle()
	h.wantProblem("payment problem", false)

	for _, message := range []string{"wamid.1", "wamid.2"} {
		if got := h.record(message).Event.State; got != store.Done {
			t.Errorf("%s is %s, want done", message, got)
		}
	}
}

// TestFailuresThatCloseNothing lets Meta report failures that say nothing of other messages now.
func TestFailuresThatCloseNothing(t *testing.T) {
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
			h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
			h.waitIdle()
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
			h.waitIdle()
			h.waitSent(2 + tc.resends)

			if closed := h.status().ClosedScopes; len(closed) > 0 {
				t.Errorf("closed scopes = %v, want none", closed)
			}

			h.wantProblem("payment problem", false)
		})
	}
}

// TestReportedAccountErrorIsAProblem lets Meta report that the account is locked, about no message. Messages wait until a send is
// accepted and not reported as failed.
func TestReportedAccountErrorIsAProblem(t *testing.T) {
	h := newHarness(t, byDefault)
	h.start()
	h.deliver(http.StatusOK, []byte(`{"object":"whatsapp_business_account","entry":[{"id":"`+standin.DeliveryBusinessAccountID+`",
		"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"`+number+`"},"errors":[{"code":131031}]}}]}]}`))
	h.waitFor("the report is processed", func() bool { return len(h.sink.notices("error.reported")) == 1 })
	h.wantProblem("locked", true)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitFor("all that is due is done", h.nothingDue)
	h.waitSent(0)
	h.pass(45*time.Second, 15*time.Second)
	h.waitProbe(1)
	h.pass(45*time.Second, 15*time.Second)
	h.wantProblem("locked", false)
}
