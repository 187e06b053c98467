// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestLateStatusOfTheFallback lets Meta report the first status of a fallback text while the answer of a replay is sent.
func TestLateStatusOfTheFallback(t *testing.T) {
	h, fixBird := newDeadLetter(t)

	fallback := h.waitSent(1)[0]

	fixBird()

	sending, accept := h.holdSend()
	h.replay("wamid.1")
	<-sending
	h.deliver(http.StatusOK, standin.StatusDelivery(number, fallback.ID, "sent", ana, fallback.Callback, time.Now()))

	if diff := cmp.Diff([]store.ReplyState{store.Sending}, replyStates(h.record("wamid.1"))); diff != "" {
		t.Errorf("parts of the answer after the status of the fallback text (-want +got):\n%s", diff)
	}

	close(accept)

	if got, want := h.waitSent(2)[1].Text, "You said: hello"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// TestReplaySendsTheMissingParts replays an answer of which the first part was sent.
func TestReplaySendsTheMissingParts(t *testing.T) {
	for name, interrupt := range map[string]func(*harness){
		"a colleague took over": func(h *harness) { h.deliver(http.StatusOK, echo(ana, "wamid.echo")) },
		"the second is refused": func(*harness) {},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.HandoffDuration = time.Minute })
			h.reply = func(string, map[string]any) any { return map[string]any{"response": []any{"one", apart("two")}} }

			var sends atomic.Int32

			h.WrapGraph(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/messages") {
						if n := sends.Add(1); n == 1 {
							interrupt(h)
						} else if n == 2 && name == "the second is refused" {
							h.refuseSend(131026)
						}
					}

					next.ServeHTTP(w, r)
				})
			})
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitFor("the message to end", func() bool { return h.record("wamid.1").Event.State != store.Pending })
			h.waitSent(1)
			h.clock.Advance(time.Hour)
			h.replay("wamid.1")
			h.waitIdle()

			if diff := cmp.Diff([]string{"one", "two"}, sentTexts(h.waitSent(2))); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}
