// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// loseFirstAnswer accepts the first message, and closes the connection without an answer once cut is closed.
func loseFirstAnswer(next http.Handler, cut <-chan struct{}) http.Handler {
	var first atomic.Bool

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/messages") || first.Swap(true) {
			next.ServeHTTP(w, r)
			return
		}

		next.ServeHTTP(httptest.NewRecorder(), r)
		<-cut
		panic(http.ErrAbortHandler)
	})
}

// TestStatusBeforeTheAnswerIsLost lets Meta report a message as delivered before the response to its send is lost. The
// outcome of the send is then known, and the next message is answered without a wait.
func TestStatusBeforeTheAnswerIsLost(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.AmbiguousWindow = time.Hour
	})

	cut := make(chan struct{})
	h.WrapGraph(func(next http.Handler) http.Handler { return loseFirstAnswer(next, cut) })
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	sent := h.waitSent(1)[0]
	h.deliver(http.StatusOK, standin.StatusDelivery(number, sent.ID, "delivered", ana, sent.Callback, time.Now()))
	h.waitFor("status processed", func() bool { return h.stats().PendingStatuses == 0 })
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "are you there?"))
	close(cut)
	h.waitSent(2)
	h.waitIdle()

	if record := h.record("wamid.1"); record.Event.State != store.Done || len(record.Failures) > 0 {
		t.Errorf("the message is %s with the failures %v, want it done without any", record.Event.State, record.Failures)
	}

	if sends := len(h.Graph.Sent()); sends != 2 {
		t.Errorf("%d answers were sent, want 2", sends)
	}
}
