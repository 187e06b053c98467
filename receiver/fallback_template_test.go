// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestTemplateForTheFallbackText lets the AI answer a late message with what cannot be used, so that the template takes the place
// of the fallback text, and loses the response to the template. Its status does not make an answered message of it. A replay
// asks again; the template in the place of its good answer does.
func TestTemplateForTheFallbackText(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withTemplate(c)
		c.Processing.FallbackText = "Sorry, please write again."
		c.Processing.AmbiguousWindow = time.Hour
	})

	var fixed atomic.Bool

	h.reply = func(method string, request map[string]any) any {
		if !fixed.Load() {
			return map[string]any{"response": map[string]any{"type": "hologram"}}
		}

		return standin.EchoReply(method, request)
	}
	h.malformed = true
	h.start()

	confirm := func(n int) {
		t.Helper()

		template := h.waitSent(n)[n-1]
		h.waitFor("the send is unconfirmed", func() bool {
			failures := h.record("wamid.1").Failures
			return len(failures) > 0 && failures[len(failures)-1].Class == string(failure.Ambiguous)
		})
		h.wantAnswer("wamid.1", "sending [template come_back]")
		h.deliver(http.StatusOK, standin.StatusDelivery(number, template.ID, "sent", ana, template.Callback, h.clock.Now()))
		h.waitFor("the message ends", func() bool { return h.record("wamid.1").Event.State != store.Pending })
		h.wantAnswer("wamid.1", "sent [template come_back]")
	}
	lost := standin.Fault{
		PathPrefix: "/" + number + "/messages",
		Cut:        standin.CutAfter,
		Times:      1,
	}

	h.Graph.Faults.Add(lost)
	h.deliver(http.StatusOK, standin.TextDelivery(number, ana, "Ana", "wamid.1", "hello", h.clock.Now().Add(-72*time.Hour)))
	confirm(1)

	record := h.record("wamid.1")
	last := record.Failures[len(record.Failures)-1]

	if record.Event.State != store.Dead || last.Code != "bad_response" {
		t.Errorf("the message is %s after %+v, want a dead letter because the answer cannot be used", record.Event.State, record.Failures)
	}

	h.waitFor("the notice", func() bool { return len(h.sink.notices("message.dead")) == 1 })
	fixed.Store(true)
	h.Graph.Faults.Add(lost)
	h.replay("wamid.1")
	confirm(2)

	if got := h.record("wamid.1").Event.State; got != store.Done {
		t.Errorf("the message is %s after the replay, want done", got)
	}
}
