// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// Meta tells that a message was sent while its own answer to the send does not come: nothing is in doubt then, and who
// wrote meanwhile is not kept waiting.
func TestStatusThatComesBeforeTheDoubt(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.CloudAPI.Timeout = time.Second
		c.Processing.AmbiguousWindow = time.Hour
	})
	h.Graph.Faults.Add(standin.Fault{
		PathPrefix:  "/v26.0/" + number + "/messages",
		AfterEffect: true,
		Hang:        true,
		Times:       1,
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	sent := h.waitSent(1)[0]
	h.deliver(http.StatusOK, standin.StatusDelivery(number, sent.ID, "delivered", ana, sent.Callback, time.Now()))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "are you there?"))
	h.waitSent(2)
	h.waitIdle()

	if record := h.record("wamid.1"); record.Event.State != store.Done || len(record.Failures) > 0 {
		t.Errorf("the message is %s with the failures %v, want it done without any", record.Event.State, record.Failures)
	}

	if sends := len(h.Graph.Sent()); sends != 2 {
		t.Errorf("%d answers were sent, want 2", sends)
	}
}
