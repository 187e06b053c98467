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
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// wantRestored checks that an event which was pending in a copy has expired for that.
func (h *harness) wantRestored(id store.ID) {
	h.t.Helper()

	record := h.event(id)
	if n := len(record.Failures); record.Event.State != store.Expired || n == 0 || record.Failures[n-1].Code != store.CodeRestored {
		h.t.Errorf("the %s that was pending in the copy is %+v, want it to be expired", record.Event.Kind, record)
	}
}

// TestRestoredAnswerDeadline restores a copy in which a later answer was awaited that came afterwards.
func TestRestoredAnswerDeadline(t *testing.T) {
	h := newHarness(t, withFallback)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.waitAsked("wamid.1")

	copied := h.copyStore()
	id := h.post("key", h.answerTo("wamid.1", "Ten euros."))
	h.waitEnded(id)
	h.waitDeadline("wamid.1")
	h.startWith(copied)
	h.wantRestored(h.deadline("wamid.1").Event.ID)
	h.clock.Advance(time.Hour)
	h.waitIdle()

	if diff := cmp.Diff([]string{"Ten euros."}, sentTexts(h.waitSent(1))); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// TestRestoredFailedStatus restores a copy in which an answer waited for its second send, which happened afterwards.
func TestRestoredFailedStatus(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)

		c.Processing.ConfigurationRetry = time.Hour
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))

	sent := h.waitSent(1)[0]
	h.waitIdle()
	h.deliver(http.StatusOK, failed(sent, recipients["the same number"], noPaymentMethod))
	h.waitFor("the status to wait", func() bool { return len(h.reported()) == 1 && h.stats().PendingStatuses == 1 })

	copied := h.copyStore()
	h.clock.Advance(time.Hour)
	h.waitSent(2)
	h.waitIdle()
	h.startWith(copied)
	h.wantRestored(intake.StatusID(number, sent.ID, "failed"))
	h.clock.Advance(time.Hour)
	h.waitIdle()
	h.waitSent(2)
}

// TestRestoredPass restores a copy in which a conversation was to be passed to another responder, which happened afterwards.
func TestRestoredPass(t *testing.T) {
	h := newHarness(t, passing)
	h.reply = handsOff
	refused := h.Graph.Faults.Add(standin.Fault{
		Method:     http.MethodPost,
		PathPrefix: threadPath,
		Status:     http.StatusInternalServerError,
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
	h.waitFor("a refused pass", func() bool { return len(h.passes()) > 0 })

	copied := h.copyStore()
	h.Graph.Faults.Remove(refused)
	h.waitIdle()

	passes := len(h.passes())
	h.startWith(copied)
	h.wantRestored(store.NewID(store.KindThreadPass, h.record("wamid.1").Event.ID.String(), "0"))
	h.waitIdle()

	if n := len(h.passes()); n != passes {
		t.Errorf("the conversation was passed %d times more", n-passes)
	}
}

// TestRestoredReport restores a copy in which a status waited for the AI, which gets it afterwards.
func TestRestoredReport(t *testing.T) {
	h := newHarness(t, withoutTyping)
	refused := h.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/statuses", Status: http.StatusServiceUnavailable})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))

	sent := h.waitSent(1)[0]
	h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(`"statuses":[{"id":%q,"status":"delivered","recipient_id":%q}]`, sent.ID, ana)))
	h.waitFor("the status to wait", func() bool { return h.stats().PendingStatuses == 1 })
	h.startWith(h.copyStore())

	if n := h.stats().PendingStatuses; n != 1 {
		t.Errorf("%d statuses are pending in the copy, want one", n)
	}

	h.Bird.Faults.Remove(refused)
	h.waitIdle()

	if n := len(h.reported()); n == 0 {
		t.Error("the status was not reported")
	}
}
