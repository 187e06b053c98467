// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// statusRequests returns the number of requests to Bird about statuses, including refused ones.
func (h *harness) statusRequests() int {
	n := 0

	for _, call := range h.Bird.Recorder.Calls() {
		if call.Path == "/v1/statuses" {
			n++
		}
	}

	return n
}

// failedNotices returns the data of the notices that a message failed.
func (h *harness) failedNotices() []any {
	var all []any
	for _, notice := range h.sink.notices("message.failed") {
		all = append(all, notice.Data)
	}

	return all
}

// TestFailedStatusIsHandledOnceWhileBirdTakesNone lets Bird refuse statuses for good. Each is still announced, pauses its
// scope once, and gets its message sent again.
func TestFailedStatusIsHandledOnceWhileBirdTakesNone(t *testing.T) {
	for name, refusal := range map[string]standin.Fault{
		"no such method": {PathPrefix: "/v1/statuses", Status: http.StatusNotFound},
		"unavailable":    {PathPrefix: "/v1/statuses", Status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)
				c.Processing.Retry.MaxRetries = new(0)
			})
			h.Bird.Faults.Add(refusal)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			first := h.waitSent(1)[0]
			h.waitFor("answered", func() bool { return h.stats().Pending == 0 })
			h.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, 130429, time.Now()))
			h.waitSent(2)
			h.waitFor("sent again", func() bool { return h.stats().Pending == 0 })

			pauses := func() []store.Pause {
				_, pauses, err := h.Local.Store().Schedule(t.Context(), time.Now().Add(-time.Hour))
				if err != nil {
					t.Fatal(err)
				}

				return pauses
			}
			before := pauses()

			h.waitFor("several requests to Bird", func() bool { return h.statusRequests() >= 5 })

			if diff := cmp.Diff(before, pauses()); diff != "" {
				t.Errorf("the pauses changed while Bird refused the status (-before +after):\n%s", diff)
			}

			if got := h.failedNotices(); len(got) != 1 {
				t.Errorf("%d notices that the message failed, want 1: %v", len(got), got)
			}

			if got := h.stats().PendingStatuses; got != 1 {
				t.Errorf("%d pending statuses, want the report to Bird", got)
			}

			h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
			h.waitSent(3)
		})
	}
}

func TestReadNoticesDoNotWaitForBird(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/statuses", Status: http.StatusNotFound})
	h.start()

	const n = 200 // several in each lane of statuses
	for i := range n {
		h.deliver(http.StatusOK, standin.StatusDelivery(number, fmt.Sprint("wamid.out", i), "read", ana, "", time.Now()))
	}

	h.waitFor("the sink hears of each", func() bool { return len(h.sink.notices("message.read")) == n })
}

// TestStatusesWithoutTheMethod disables the method for statuses. Nothing is stored for Bird then.
func TestStatusesWithoutTheMethod(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Bird.Endpoints = map[string]config.Endpoint{config.NotifyStatus: {Enabled: new(false)}}
	})
	h.start()
	h.deliver(http.StatusOK, standin.StatusDelivery(number, "wamid.out", "read", ana, "", time.Now()))
	h.deliver(http.StatusOK, standin.FailedDelivery(number, "wamid.other", ana, "", 131026, time.Now()))
	h.waitIdle()

	totals := h.totals()
	for _, total := range []string{"status read done", "status failed done", "notice message.read done", "notice message.failed done"} {
		if totals[total] != 1 {
			t.Errorf("stored %v, want one %s", totals, total)
		}
	}

	if n := totals["status_report failed done"]; n != 0 || h.statusRequests() != 0 {
		t.Errorf("%d reports stored and %d requests made, want none", n, h.statusRequests())
	}
}

// TestResentIsTrueOnlyOfWhatIsSentAgain reports failed sends, of which one can be sent again.
func TestResentIsTrueOnlyOfWhatIsSentAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		before func(*harness) // happens between the send and the report that it failed
		sent   int
	}{
		"sent again": {before: func(*harness) {}, sent: 2},
		"payload purged": {before: func(h *harness) {
			future := time.Now().Add(time.Hour)
			if _, err := h.Local.Store().Purge(h.t.Context(), store.Expiry{Payloads: future}, 100); err != nil {
				h.t.Fatal(err)
			}
		}, sent: 1},
		"event purged": {before: func(h *harness) {
			future := time.Now().Add(time.Hour)
			if _, err := h.Local.Store().Purge(h.t.Context(), store.Expiry{Payloads: future, Events: future}, 100); err != nil {
				h.t.Fatal(err)
			}
		}, sent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			first := h.waitSent(1)[0]
			h.waitIdle()
			tc.before(h)
			h.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, 131000, time.Now()))
			h.waitFor("announced", func() bool { return len(h.failedNotices()) == 1 })
			h.waitIdle()
			h.waitSent(tc.sent)

			resent, _ := h.failedNotices()[0].(map[string]any)["resent"].(bool)
			if resent != (tc.sent > 1) {
				t.Errorf("resent = %t with %d sends", resent, tc.sent)
			}
		})
	}
}

// TestFailedPartOfADeadLetterIsNotResent lets the second part of an answer be refused. The first is not sent again then.
func TestFailedPartOfADeadLetterIsNotResent(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.reply = func(string, map[string]any) any {
		return map[string]any{"response": map[string]any{"type": "text", "text": strings.Repeat("long ", 1000)}}
	}

	var sends atomic.Int32

	h.WrapGraph(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/messages") && sends.Add(1) == 2 {
				http.Error(w, `{"error":{"code":131026,"message":"undeliverable"}}`, http.StatusBadRequest)
				return
			}

			next.ServeHTTP(w, r)
		})
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitFor("dead letter", func() bool { return h.stats().DeadLetters == 1 })

	first := h.waitSent(1)[0]
	h.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, 131000, time.Now()))
	h.waitFor("announced", func() bool { return len(h.failedNotices()) == 1 })
	h.waitIdle()
	h.waitSent(1)

	if resent := h.failedNotices()[0].(map[string]any)["resent"]; resent != nil {
		t.Errorf("resent = %v of a part of a dead letter, want nothing", resent)
	}
}

// TestLateStatusOfAFailedSend lets Meta report a message as failed, and reports its first send as sent while the second is
// in flight. Only the second send decides whether it is repeated.
func TestLateStatusOfAFailedSend(t *testing.T) {
	h := newHarness(t, withoutTyping)

	var sends atomic.Int32

	inFlight := make(chan struct{})
	refuse := make(chan struct{})

	h.WrapGraph(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/messages") && sends.Add(1) == 2 {
				close(inFlight)
				<-refuse
				http.Error(w, `{"error":{"code":80007,"message":"Rate limit issues"}}`, http.StatusBadRequest)

				return
			}

			next.ServeHTTP(w, r)
		})
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	first := h.waitSent(1)[0]
	h.waitIdle()
	h.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, 131000, time.Now()))
	<-inFlight
	h.deliver(http.StatusOK, standin.StatusDelivery(number, first.ID, "sent", ana, first.Callback, time.Now()))

	if reply := h.record("wamid.1").Replies[0]; reply.State != store.Sending {
		t.Errorf("the second send is %s by a status of the first, want it in flight", reply.State)
	}

	close(refuse)

	second := h.waitSent(2)[1]
	h.waitIdle()

	if got := h.record("wamid.1").Replies[0].MessageID; got != second.ID {
		t.Errorf("the answer was sent as %s, want the id of the last send", got)
	}
}

// refusing returns a handler that answers requests with a word in the body with a status, and passes the others on.
func refusing(word string, status int) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || bytes.Contains(body, []byte(word)) {
				w.WriteHeader(status)
				return
			}

			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}
}

// TestStatusThatBirdRefusesDelaysNoOther lets Bird refuse, or fail at, the statuses of messages that it does not know. The others
// reach it, although they have the same lane, and the refusals are not a problem.
func TestStatusThatBirdRefusesDelaysNoOther(t *testing.T) {
	lane := intake.ReportLane(number, "wamid.unknown")
	after := "" // a message whose statuses have the lane of the unknown one

	for n := 0; after == ""; n++ {
		if id := fmt.Sprint("wamid.", n); intake.ReportLane(number, id) == lane {
			after = id
		}
	}

	for code, others := range map[int]int{ // further messages that Bird does not know
		http.StatusNotFound:            5,
		http.StatusForbidden:           5,
		http.StatusInternalServerError: 0, // several failures would be an outage
	} {
		t.Run(http.StatusText(code), func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, byDefault)
			h.WrapBird(refusing("wamid.unknown", code))
			h.start()

			report := func(message string) {
				h.deliver(http.StatusOK, standin.StatusDelivery(number, message, "delivered", ana, "", time.Now()))
			}

			report("wamid.known")
			h.waitFor("the first report", func() bool { return len(h.reported()) == 1 })

			for n := range others {
				report(fmt.Sprint("wamid.unknown", n))
			}

			report("wamid.unknown")
			report(after)
			h.pass(2*time.Second, time.Second)
			h.waitFor("the report of the known message", func() bool { return len(h.reported()) == 2 })

			if problems := h.status().Problems; len(problems) > 0 {
				t.Errorf("problems = %v, want none", problems)
			}
		})
	}
}
