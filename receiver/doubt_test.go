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
	w := newWorld(t, func(c *config.Config) {
		quietly(c)
		c.CloudAPI.Timeout = time.Second
		c.Processing.AmbiguousWindow = time.Hour
	})
	w.graph.Faults.Add(standin.Fault{
		PathPrefix:  "/v26.0/" + number + "/messages",
		AfterEffect: true,
		Hang:        true,
		Times:       1,
	})
	w.start()
	w.deliver(http.StatusOK, text(ana, "wamid.1", "hello"))
	sent := w.sent(1)[0]
	w.deliver(http.StatusOK, standin.StatusDelivery(number, sent.ID, "delivered", ana, sent.Callback, time.Now()))
	w.deliver(http.StatusOK, text(ana, "wamid.2", "are you there?"))
	w.sent(2)
	w.quiet()

	if record := w.record("wamid.1"); record.Event.State != store.Done || len(record.Failures) > 0 {
		t.Errorf("the message is %s with the failures %v, want it done without any", record.Event.State, record.Failures)
	}

	if sends := len(w.graph.Sent()); sends != 2 {
		t.Errorf("%d answers were sent, want 2", sends)
	}
}
