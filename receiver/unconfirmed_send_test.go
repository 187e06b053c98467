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

	"github.com/google/go-cmp/cmp"

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

// TestPartAfterOneThatAStatusConfirmed lets a status confirm a part while its file is uploaded for another send. The send of
// the next part is recorded before it starts like any other, so that it is not repeated if its response is lost.
func TestPartAfterOneThatAStatusConfirmed(t *testing.T) {
	b := newBridge(t, "/files/a.jpg", func(c *config.Config) { c.Processing.AmbiguousWindow = time.Hour })
	b.reply = func(string, map[string]any) any {
		return map[string]any{"response": []any{map[string]any{"type": "image", "url": b.url + "/files/a.jpg"}, "Do you like it?"}}
	}

	lost := standin.Fault{
		PathPrefix: "/" + number + "/messages",
		Cut:        standin.CutAfter,
		Times:      1,
	}
	b.Graph.Faults.Add(lost)
	b.refuse(fetchRefused, 1)
	b.Graph.Faults.Add(lost)

	uploading := make(chan struct{})
	confirmed := make(chan struct{})

	b.WrapGraph(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/media") {
				close(uploading)
				<-confirmed
			}

			next.ServeHTTP(w, r)
		})
	})
	b.start()
	b.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	b.waitFor("the lost response", func() bool { return len(b.record("wamid.1").Failures) == 1 })
	b.clock.Advance(time.Hour)
	<-uploading

	image := b.waitSent(1)[0]
	b.deliver(http.StatusOK, standin.StatusDelivery(number, image.ID, "delivered", ana, image.Callback, time.Now()))
	b.waitFor("the status", func() bool { return b.stats().PendingStatuses == 0 })
	close(confirmed)
	b.waitFor("the second lost response", func() bool { return len(b.record("wamid.1").Failures) == 2 })

	if diff := cmp.Diff([]store.ReplyState{store.Sent, store.Sending}, replyStates(b.record("wamid.1"))); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}

	text := b.waitSent(2)[1]
	b.deliver(http.StatusOK, standin.StatusDelivery(number, text.ID, "delivered", ana, text.Callback, time.Now()))
	b.waitFor("the status", func() bool { return b.stats().PendingStatuses == 0 })
	b.clock.Advance(time.Hour)
	b.waitIdle()
	b.waitSent(2)

	if got := b.record("wamid.1").Event.State; got != store.Done {
		t.Errorf("state = %s, want done", got)
	}
}
