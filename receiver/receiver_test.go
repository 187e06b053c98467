// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestTextIsAnsweredOnce(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	message := standin.Wamid("1")
	for range 3 {
		h.deliver(http.StatusOK, textDelivery("573001234567", message, "hello"))
	}

	got := h.waitSent(1)[0]
	h.waitIdle()

	if want := "You said: hello"; got.Text != want || got.To != "+573001234567" || got.ContextID != message {
		t.Errorf("sent %+v, want text %q to the person, as an answer to the message", got, want)
	}

	asked := h.birdRequests()
	if len(asked) != 1 {
		t.Fatalf("Bird was asked %d times, want 1", len(asked))
	}

	for key, want := range map[string]any{
		"text":             "hello",
		"from":             "573001234567",
		"channel":          "whatsapp",
		"message_id":       message,
		"phone_number_id":  number,
		"conversation_key": number + ":573001234567",
		"schema_version":   1.0,
		"event_id":         h.record(message).Event.ID.String(),
	} {
		if diff := cmp.Diff(want, asked[0].Payload[key]); diff != "" {
			t.Errorf("asked %s (-want +got):\n%s", key, diff)
		}
	}

	if s := h.status(); s.Metrics.MessagesReceived != 1 || s.Metrics.MessagesProcessed != 1 || s.Status != "healthy" {
		t.Errorf("status = %+v, want one message received and processed", s)
	}
}

func TestFaults(t *testing.T) {
	messages := "/" + number + "/messages"
	for name, tc := range map[string]struct {
		bird, graph *standin.Fault
		status      bool // Meta reports the status of a send whose answer was lost
		state       store.State
		sent        int
		classes     []string // of the failures in the event's history
		asks, sends int      // calls that Bird and Graph saw, failed ones included
	}{
		"Bird 500 heals": {
			bird:    &standin.Fault{Status: 500, Times: 1},
			state:   store.Done,
			sent:    1,
			classes: []string{"transient"},
			asks:    2,
			sends:   1,
		},
		"Graph 80007 heals": {
			graph:   fault(standin.GraphError(80007, "", 0), 2),
			state:   store.Done,
			sent:    1,
			classes: repeat("rate_limited", 2),
			asks:    1,
			sends:   3,
		},
		"Graph 131000": {
			graph:   fault(standin.GraphError(131000, "", 0), 1),
			state:   store.Done,
			sent:    1,
			classes: []string{"ambiguous"},
			asks:    1,
			sends:   2,
		},
		"Graph slow past the timeout": {
			graph: &standin.Fault{
				AfterEffect: true,
				Hang:        true,
				Times:       1,
			},
			status:  true,
			state:   store.Done,
			sent:    1,
			classes: []string{"ambiguous"},
			asks:    1,
			sends:   1,
		},
		"Bird 503 heals": {
			bird:    &standin.Fault{Status: 503, Times: 2},
			state:   store.Done,
			sent:    1,
			classes: []string{"transient", "transient"},
			asks:    3,
			sends:   1,
		},
		"Bird 503 does not heal": {
			bird:    &standin.Fault{Status: 503},
			state:   store.Dead,
			classes: []string{"transient", "transient", "transient", "transient"},
			asks:    4,
			sends:   0,
		},
		"Bird 429 says when": {
			bird: &standin.Fault{
				Status:     429,
				RetryAfter: "0",
				Times:      1,
			},
			state:   store.Done,
			sent:    1,
			classes: []string{"transient"},
			asks:    2,
			sends:   1,
		},
		"Bird 401 heals": {
			bird:    &standin.Fault{Status: 401, Times: 6},
			state:   store.Done,
			sent:    1,
			classes: repeat("configuration", 6),
			asks:    7,
			sends:   1,
		},
		"Bird 400": {
			bird:    &standin.Fault{Status: 400},
			state:   store.Dead,
			classes: []string{"permanent"},
			asks:    1,
			sends:   0,
		},
		"Bird says garbage": {
			bird:    &standin.Fault{Status: 200, Body: "<html>"},
			state:   store.Dead,
			classes: []string{"permanent"},
			asks:    1,
			sends:   0,
		},
		"Bird says nothing": {bird: &standin.Fault{Status: 204}, state: store.Done, asks: 1, sends: 0},
		"Bird says null": {
			bird:  &standin.Fault{Status: 200, Body: `{"response":null}`},
			state: store.Done,
			asks:  1,
			sends: 0,
		},
		"Bird hangs": {
			bird:    &standin.Fault{Hang: true, Times: 1},
			state:   store.Done,
			sent:    1,
			classes: []string{"transient"},
			asks:    2,
			sends:   1,
		},
		"Bird cuts the answer": {
			bird:    &standin.Fault{Cut: standin.CutMidBody, Times: 1},
			state:   store.Done,
			sent:    1,
			classes: []string{"transient"},
			asks:    2,
			sends:   1,
		},
		"Graph 190 heals": {
			graph:   fault(standin.GraphError(190, "", 0), 5),
			state:   store.Done,
			sent:    1,
			classes: repeat("configuration", 5),
			asks:    1,
			sends:   6,
		},
		"Graph 130429 heals": {
			graph:   fault(standin.GraphError(130429, "", 0), 5),
			state:   store.Done,
			sent:    1,
			classes: repeat("rate_limited", 5),
			asks:    1,
			sends:   6,
		},
		"Graph 131026": {
			graph:   fault(standin.GraphError(131026, "", 0), 0),
			state:   store.Dead,
			classes: []string{"permanent"},
			asks:    1,
			sends:   1,
		},
		"Graph 131016 heals": {
			graph:   fault(standin.GraphError(131016, "", 0), 1),
			state:   store.Done,
			sent:    1,
			classes: []string{"transient"},
			asks:    1,
			sends:   2,
		},
		"send lost, not proved": {
			graph:   &standin.Fault{Cut: standin.CutAfter, Times: 1},
			state:   store.Done,
			sent:    2,
			classes: []string{"ambiguous"},
			asks:    1,
			sends:   2,
		},
		"send lost, status comes": {
			graph:   &standin.Fault{Cut: standin.CutAfter, Times: 1},
			status:  true,
			state:   store.Done,
			sent:    1,
			classes: []string{"ambiguous"},
			asks:    1,
			sends:   1,
		},
		"send refused by a 500": {
			graph:   &standin.Fault{Status: 500, Times: 1},
			state:   store.Done,
			sent:    1,
			classes: []string{"ambiguous"},
			asks:    1,
			sends:   2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				c.Processing.TypingIndicator = new(false) // so that the faults meet the sends
				if tc.bird != nil && tc.bird.Hang {
					c.Bird.Endpoints = textTimeout(shortTimeout)
				}

				if tc.graph != nil && tc.graph.Hang {
					c.CloudAPI.Timeout = shortTimeout
				}

				if tc.status {
					c.Processing.AmbiguousWindow = time.Hour // only the status can end it
				}
			})
			if tc.bird != nil {
				h.Bird.Faults.Add(*tc.bird)

				if tc.bird.Hang {
					h.WrapBird(h.raiseTimeout)
				}
			}

			if tc.graph != nil {
				tc.graph.PathPrefix = messages
				h.Graph.Faults.Add(*tc.graph)
			}

			h.start()

			message := standin.Wamid("1")
			h.deliver(http.StatusOK, textDelivery("573001234567", message, "hello"))

			if tc.status {
				lost := h.waitSent(1)[0]
				h.waitFor("the send is in doubt", func() bool { return len(h.record(message).Failures) > 0 })
				h.deliver(http.StatusOK, standin.StatusDelivery(number, lost.ID, "sent", "573001234567", lost.Callback, time.Now()))
			}

			h.waitIdle()
			h.waitSent(tc.sent)

			record := h.record(message)
			if record.Event.State != tc.state {
				t.Errorf("state = %s, want %s", record.Event.State, tc.state)
			}

			var classes []string
			for _, f := range record.Failures {
				classes = append(classes, f.Class)
				if strings.Contains(f.Text, "573001234567") || strings.Contains(f.Text, "hello") {
					t.Errorf("failure tells personal data: %q", f.Text)
				}
			}

			if diff := cmp.Diff(tc.classes, classes); diff != "" {
				t.Errorf("classes of failures (-want +got):\n%s", diff)
			}

			asks := len(h.Bird.Recorder.Calls(standin.On(http.MethodPost, "/v1/messages")))
			if sends := len(h.Graph.Recorder.Calls()); asks != tc.asks || sends != tc.sends {
				t.Errorf("Bird saw %d calls and Graph %d, want %d and %d", asks, sends, tc.asks, tc.sends)
			}

			if asked := len(h.birdRequests()); tc.graph != nil && asked != 1 {
				t.Errorf("Bird was asked %d times though it had answered, want 1", asked)
			}
		})
	}
}

// shortTimeout is for a call that has to time out. Only that call gets it, so that a slow machine meets it just once.
const shortTimeout = 3 * time.Second

func textTimeout(d time.Duration) map[string]config.Endpoint {
	return map[string]config.Endpoint{"process_text_message": {Timeout: d}}
}

// raiseTimeout lets every call to Bird after the first wait long for its answer.
func (h *harness) raiseTimeout(next http.Handler) http.Handler {
	var once sync.Once

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { h.reconfigure(func(c *config.Config) { c.Bird.Endpoints = textTimeout(waitLimit) }) })
		next.ServeHTTP(w, r)
	})
}

func fault(f standin.Fault, times int) *standin.Fault { f.Times = times; return &f }

func repeat(s string, n int) []string { return strings.Split(strings.Repeat(s+" ", n-1)+s, " ") }

func TestDeadLetterLetsTheConversationGoOnAndIsReplayed(t *testing.T) {
	h := newHarness(t, nil)
	h.Bird.Faults.Add(standin.Fault{Status: 422, Times: 1})
	h.start()

	first := standin.Wamid("1")
	second := standin.Wamid("2")

	h.deliver(http.StatusOK, textDelivery("573001234567", first, "one"))
	h.waitFor("dead letter", func() bool { return h.stats().DeadLetters == 1 })
	h.deliver(http.StatusOK, textDelivery("573001234567", second, "two"))

	if got := h.waitSent(1)[0].Text; got != "You said: two" {
		t.Errorf("sent %q, want the answer to the second message", got)
	}

	if err := h.Local.Store().Replay(t.Context(), h.record(first).Event.ID, time.Now()); err != nil {
		t.Fatal(err)
	}

	if got := h.waitSent(2)[1].Text; got != "You said: one" {
		t.Errorf("sent %q, want the answer to the replayed message", got)
	}
}

func TestOrderWithinAndIndependenceBetweenConversations(t *testing.T) {
	h := newHarness(t, nil)
	// One person's first message has to be tried again; the others must not notice.
	h.Bird.Faults.Add(standin.Fault{Status: 503, Times: 1})
	h.start()

	const people, each = 5, 8
	for i := range each {
		for p := range people {
			h.deliver(http.StatusOK, textDelivery(fmt.Sprintf("57300%d", p), standin.Wamid(fmt.Sprint(p, "-", i)), fmt.Sprint(i)))
		}
	}

	next := map[string]int{}
	for _, sent := range h.waitSent(people * each) {
		if want := fmt.Sprint("You said: ", next[sent.To]); sent.Text != want {
			t.Errorf("to one person: sent %q, want %q", sent.Text, want)
		}

		next[sent.To]++
	}
}

func TestLongAnswerIsSplitInOrder(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { c.CloudAPI.MessagesPerSecond = 10 }) // so that the parts wait for their turn
	h.start()

	long := strings.TrimSpace(strings.Repeat("word ", 1700))
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), long))
	sent := h.waitSent(3)

	var whole []string
	for i, s := range sent {
		whole = append(whole, s.Text)
		if (s.ContextID != "") != (i == 0) {
			t.Errorf("part %d has context %q; only the first refers to the message", i, s.ContextID)
		}
	}

	if got, want := strings.Join(whole, " "), "You said: "+long; got != want {
		t.Errorf("the parts do not make up the answer: %d characters, want %d", len(got), len(want))
	}
}

func TestQuarantineAndUnhandledTypesAreKept(t *testing.T) {
	h := newHarness(t, nil)
	h.start()
	h.deliver(http.StatusOK, standin.TextDelivery("999", "573001234567", "Ana", standin.Wamid("1"), "not ours", time.Now()))
	h.deliver(http.StatusOK, standin.MessageDelivery(number, "573001234567", "Ana", standin.Wamid("2"), "sticker", map[string]string{"id": "5"}, time.Now()))
	h.deliver(http.StatusOK, []byte(`{"object":"page","entry":[]}`))
	h.waitIdle()

	totals, err := h.Local.Store().Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	got := map[string]int64{}
	for _, total := range totals {
		if total.Kind == store.KindNotice {
			continue
		}

		got[fmt.Sprint(total.Kind, " ", total.State)] += total.Count
	}

	if diff := cmp.Diff(map[string]int64{
		"message quarantined": 1,
		"message skipped":     1,
		"unknown skipped":     1,
	}, got); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}

	if asked := h.birdRequests(); len(asked) != 0 {
		t.Errorf("Bird was asked %d times, want never", len(asked))
	}
}

func TestStatusesNeverGoBackwards(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	for _, status := range []string{"sent", "read", "delivered", "sent", "failed", "surprising"} {
		h.deliver(http.StatusOK, standin.StatusDelivery(number, "wamid.out", status, "573001234567", "", time.Now()))
	}

	got, err := h.Local.Store().MessageStatus(t.Context(), number, "wamid.out", "")
	if err != nil {
		t.Fatal(err)
	}

	if got.Status != "read" {
		t.Errorf("status = %q, want read", got.Status)
	}
}

func TestSecretRotationRefusesNoDelivery(t *testing.T) {
	h := newHarness(t, nil)
	h.start()
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "with the old secret"))

	h.writeSecret(config.RoleAppSecret, "1", "new-secret")
	h.waitFor("new secret accepted", func() bool {
		status, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), "new-secret", textDelivery("573001234567", standin.Wamid("2"), "with the new secret"))
		if err != nil {
			t.Fatal(err)
		}

		return status == http.StatusOK
	})
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("3"), "with the old secret still"))

	h.writeSecret(config.RoleAppSecret, "0", "new-secret")
	h.waitFor("old secret refused", func() bool {
		status, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), folder.AppSecret, textDelivery("573001234567", standin.Wamid("4"), "too late"))
		if err != nil {
			t.Fatal(err)
		}

		return status == http.StatusUnauthorized
	})
}

func TestMissingSecretsAreNamedAndHeal(t *testing.T) {
	h := newHarness(t, nil)
	h.writeSecret(config.RoleAppSecret, "0", "")
	h.start()
	h.deliver(http.StatusServiceUnavailable, textDelivery("573001234567", standin.Wamid("1"), "hello"))

	if code, body := h.adminPage("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, config.RoleAppSecret) {
		t.Errorf("GET /readyz = %d %q, want 503 that names the role", code, body)
	}

	if diff := cmp.Diff([]string{config.RoleAppSecret}, h.status().MissingSecrets); diff != "" {
		t.Errorf("missing secrets (-want +got):\n%s", diff)
	}

	h.writeSecret(config.RoleAppSecret, "0", folder.AppSecret)
	h.waitReady()
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "hello"))
	h.waitSent(1)
}

func TestDrainFinishesWhatIsInHand(t *testing.T) {
	h := newHarness(t, nil)
	asked := make(chan struct{})
	answer := make(chan struct{})
	h.reply = func(method string, request map[string]any) any {
		close(asked)
		<-answer

		return standin.EchoReply(method, request)
	}
	h.start()
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "hello"))
	<-asked
	h.Local.Drain()
	h.waitFor("draining shows", func() bool {
		code, body := h.adminPage("/readyz")
		return code == 503 && strings.Contains(body, "shutting down")
	})
	close(answer)
	h.stop()

	if got := len(h.Graph.Sent()); got != 1 {
		t.Errorf("%d messages were sent, want the one in hand", got)
	}
}

func TestDrainHandsBackWhatTakesTooLong(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { c.Shutdown.DrainTimeout = 50 * time.Millisecond })
	asked := make(chan struct{})
	answer := make(chan struct{})

	var once sync.Once

	h.reply = func(method string, request map[string]any) any {
		once.Do(func() { close(asked); <-answer })
		return standin.EchoReply(method, request)
	}
	h.start()

	message := standin.Wamid("1")
	h.deliver(http.StatusOK, textDelivery("573001234567", message, "hello"))
	<-asked
	h.stop()
	close(answer)
	h.waitFor("Bird is done with the first call", func() bool { return h.Bird.Recorder.Total() == 1 })
	h.start()
	h.waitSent(1)
	h.waitIdle()

	if got := h.record(message); got.Attempts != 0 {
		t.Errorf("attempts = %d; being cut off spends none", got.Attempts)
	}
}

func TestRestartGoesOnWhereItStopped(t *testing.T) {
	h := newHarness(t, nil)
	h.Bird.Faults.Add(standin.Fault{Status: 401})
	h.start()

	message := standin.Wamid("1")
	h.deliver(http.StatusOK, textDelivery("573001234567", message, "hello"))
	h.waitFor("a problem is reported", func() bool { return len(h.status().Problems) == 1 })
	h.stop()
	h.Bird.Faults.Clear()
	h.start()
	h.waitSent(1)
	h.waitIdle()

	if got := h.record(message); got.Attempts != 0 || len(got.Failures) == 0 {
		t.Errorf("attempts = %d, failures = %d; a wrong key spends no attempt and is remembered", got.Attempts, len(got.Failures))
	}

	if got := h.status().Problems; len(got) != 0 {
		t.Errorf("problems = %v, want none once healed", got)
	}
}

func TestStatusTellsOfTheToken(t *testing.T) {
	h := newHarness(t, nil)
	h.writeSecret(config.RoleAccessToken, "0", "expired")
	h.start()

	if got := h.status().Token; got != "unknown" {
		t.Errorf("token = %q before anything was sent, want unknown", got)
	}

	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "hello"))
	h.waitFor("the token is refused", func() bool { return h.status().Token == "refused" })
	h.deliver(http.StatusOK, textDelivery("573007654321", standin.Wamid("2"), "deliveries are taken all the same"))
	h.writeSecret(config.RoleAccessToken, "0", folder.AccessToken)
	h.waitSent(2)
	h.waitIdle()

	if got := h.status().Token; got != "accepted" {
		t.Errorf("token = %q after a new one, want accepted", got)
	}
}
