// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func person(i int) string { return fmt.Sprintf("57300%07d", i) }

// byDefault restores the default times of retries, which the test's clock passes.
func byDefault(c *config.Config) {
	withoutTyping(c)
	c.Bird.CircuitBreaker = config.CircuitBreaker{}
	c.Processing.ConfigurationRetry = 0
	c.Processing.AmbiguousWindow = 0
	c.Processing.Retry = config.Retry{}
}

// deliverTexts delivers a text of each of n people.
func (h *harness) deliverTexts(n int) {
	h.t.Helper()

	for i := range n {
		h.deliver(http.StatusOK, textDelivery(person(i), fmt.Sprint("wamid.", i), "hello"))
	}
}

// pass advances the clock in steps, and lets the receiver do the due work after each.
func (h *harness) pass(total, step time.Duration) {
	h.t.Helper()

	for passed := time.Duration(0); passed < total; passed += step {
		h.clock.Advance(step)
		h.waitFor("all that is due is done", h.nothingDue)
	}
}

// nothingDue reports whether no message is processed or due now.
func (h *harness) nothingDue() bool {
	schedules, _, err := h.Local.Store().Schedule(h.t.Context(), h.clock.Now())
	due := schedules[store.Conversations].NextDue

	return err == nil && (due.IsZero() || due.After(h.clock.Now())) && !h.Local.Busy()
}

func TestOutageOfBirdMakesNoDeadLetter(t *testing.T) {
	for _, outage := range []time.Duration{12 * time.Second, 5 * time.Minute, 5 * time.Hour} {
		for _, people := range []int{1, 2, 30} {
			t.Run(fmt.Sprint(outage, " for ", people), func(t *testing.T) {
				h := newHarness(t, byDefault)
				id := h.Bird.Faults.Add(standin.Fault{Status: http.StatusServiceUnavailable})
				h.start()

				h.deliverTexts(people)

				h.pass(outage, min(outage/12, 31*time.Second))

				if report := h.status(); people == 30 && (len(report.ClosedScopes) != 1 || report.Problems["bird"] == "") {
					t.Errorf("closed scopes = %v, problems = %v; want the outage of Bird", report.ClosedScopes, report.Problems)
				}

				h.Bird.Faults.Remove(id)

				for len(h.Graph.Sent()) < people {
					h.pass(10*time.Second, 10*time.Second)
				}

				h.waitSent(people)

				stats := h.stats()
				if asked := len(h.birdRequests()); asked != people || stats.DeadLetters != 0 {
					t.Errorf("Bird answered %d requests of %d people, %d dead letters", asked, people, stats.DeadLetters)
				}

				for i := range people {
					if n := h.record(fmt.Sprint("wamid.", i)).Attempts; n > 4 {
						t.Errorf("message %d has spent %d attempts, want those before the outage was known", i, n)
					}
				}
			})
		}
	}
}

func TestMessageThatFailsAloneIsDeadLettered(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.reply = func(method string, request map[string]any) any {
		if request["text"] == "poison" {
			return standin.Answer{Status: http.StatusServiceUnavailable, Body: map[string]any{}}
		}

		return standin.EchoReply(method, request)
	}
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.poison", "poison"))

	n := 0
	for h.record("wamid.poison").Event.State == store.Pending {
		h.deliver(http.StatusOK, textDelivery(person(n), fmt.Sprint("wamid.", n), "hello"))
		n++
		h.waitSent(n)
	}

	if record := h.record("wamid.poison"); record.Event.State != store.Dead || record.Attempts != 4 {
		t.Errorf("the message is %s after %d attempts, want a dead letter after 4", record.Event.State, record.Attempts)
	}
}

func TestWaitingMessagesCallNothing(t *testing.T) {
	const people = 50

	h := newHarness(t, func(c *config.Config) {
		byDefault(c)
		c.Processing.TypingIndicator = new(true)
	})
	h.Bird.Faults.Add(standin.Fault{Status: http.StatusUnauthorized})
	h.Graph.PutMedia("500", "image/jpeg", make([]byte, 1<<10))
	h.start()

	for i := range people {
		media := map[string]any{"id": "500", "mime_type": "image/jpeg"}
		h.deliver(http.StatusOK, standin.MessageDelivery(number, person(i), "P", fmt.Sprint("wamid.", i), "image", media, time.Now()))
	}

	h.waitFor("all messages wait", h.nothingDue)

	first := h.Bird.Recorder.Total()
	before := h.Graph.Recorder.Total()

	h.pass(5*time.Minute, 30*time.Second)

	probes := h.Bird.Recorder.Total() - first
	if calls := h.Graph.Recorder.Total() - before; probes > 10 || calls > 2*probes {
		t.Errorf("%d probes of Bird and %d calls to Graph in 10 periods, want at most one probe each with its download", probes, calls)
	}
}

func TestRefusedTokenIsProbedByOneConversation(t *testing.T) {
	const people = 50

	h := newHarness(t, byDefault)
	expired := standin.GraphError(190, "", 0)
	expired.PathPrefix = "/" + number + "/messages"
	id := h.Graph.Faults.Add(expired)
	h.start()

	h.deliverTexts(people)

	h.waitFor("all messages wait", h.nothingDue)

	before := h.Graph.Recorder.Total()
	h.pass(5*30*time.Second, 30*time.Second)

	if calls := h.Graph.Recorder.Total() - before; calls > 5 {
		t.Errorf("%d calls with a refused token in 5 periods, want one each", calls)
	}

	if report := h.status(); len(report.Problems) == 0 {
		t.Error("/status has no problem, want the refused token")
	}

	h.Graph.Faults.Remove(id)
	h.reconfigure(func(c *config.Config) { c.CloudAPI.Timeout = time.Minute }) // as a new secret would
	h.waitSent(people)
}

func TestMissingMethodBlocksNoConversation(t *testing.T) {
	const people = 5

	h := newHarness(t, byDefault)
	h.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/messages/audio", Status: http.StatusNotFound})
	h.Graph.PutMedia("500", "audio/ogg", []byte("sound"))
	h.start()

	for i := range people {
		media := map[string]any{
			"id":        "500",
			"mime_type": "audio/ogg",
			"voice":     true,
		}
		h.deliver(http.StatusOK, standin.MessageDelivery(number, person(i), "P", fmt.Sprint("wamid.", i), "audio", media, time.Now()))
		h.deliver(http.StatusOK, textDelivery(person(i), fmt.Sprint("wamid.text", i), "are you there?"))
	}

	h.waitFor("all messages wait", h.nothingDue)
	h.pass(12*time.Minute, 15*time.Second)
	h.waitIdle()
	h.waitSent(people)

	if stats := h.stats(); stats.DeadLetters != people || stats.Pending != 0 {
		t.Errorf("%d dead letters and %d pending, want the %d voice notes dead-lettered", stats.DeadLetters, stats.Pending, people)
	}
}

// TestBurstOfRateLimitsPausesOnce lets Meta refuse many sends that were in flight together.
func TestBurstOfRateLimitsPausesOnce(t *testing.T) {
	const people = 40

	h := newHarness(t, byDefault)
	limit := standin.GraphError(130429, "", 0)
	limit.PathPrefix = "/" + number + "/messages"
	limit.Times = people
	h.Graph.Faults.Add(limit)

	var sends atomic.Int32

	inFlight := make(chan struct{})

	h.WrapGraph(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/messages") && sends.Add(1) == people {
				close(inFlight)
			}

			select {
			case <-inFlight:
			case <-h.t.Context().Done(): // the test failed
			}

			next.ServeHTTP(w, r)
		})
	})
	h.start()

	h.deliverTexts(people)

	h.waitFor("the limit is hit", func() bool { return h.Graph.Recorder.Total() >= people && !h.Local.Busy() })

	_, pauses, err := h.Local.Store().Schedule(t.Context(), h.clock.Now())
	if err != nil {
		t.Fatal(err)
	}

	for _, pause := range pauses {
		if left := pause.Until.Sub(h.clock.Now()); left > 2*time.Second {
			t.Errorf("the number pauses for %s, want a second", left)
		}
	}

	for len(h.Graph.Sent()) < people {
		h.pass(time.Second, time.Second)
	}
}

func TestMethodOpensOnceBirdHasIt(t *testing.T) {
	const people = 5

	h := newHarness(t, byDefault)
	h.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/messages/location", Status: http.StatusNotFound})
	h.start()

	for i := range people {
		location := map[string]any{"latitude": 4.6, "longitude": -74.1}
		h.deliver(http.StatusOK, standin.MessageDelivery(number, person(i), "P", fmt.Sprint("wamid.", i), "location", location, time.Now()))
	}

	h.waitFor("all messages wait", h.nothingDue)

	if closed := h.status().ClosedScopes; len(closed) != 1 {
		t.Errorf("closed scopes = %v, want the method", closed)
	}

	h.Bird.Faults.Clear()
	h.clock.Advance(time.Minute)
	h.waitSent(people)
	h.waitFor("the method is open", func() bool { return len(h.status().ClosedScopes) == 0 })
}
