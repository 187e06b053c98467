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
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestTextIsAnsweredOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.start()

	message := standin.Wamid("1")
	for range 3 {
		w.deliver(http.StatusOK, text("573001234567", message, "hello"))
	}

	got := w.sent(1)[0]
	w.quiet()

	if want := "You said: hello"; got.Text != want || got.To != "+573001234567" || got.ContextID != message {
		t.Errorf("sent %+v, want text %q to the person, as an answer to the message", got, want)
	}

	asked := w.questions()
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
		"event_id":         w.record(message).Event.ID.String(),
	} {
		if diff := cmp.Diff(want, asked[0].Payload[key]); diff != "" {
			t.Errorf("asked %s (-want +got):\n%s", key, diff)
		}
	}

	if s := w.status(); s.Metrics.MessagesReceived != 1 || s.Metrics.MessagesProcessed != 1 || s.Status != "healthy" {
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
			w := newWorld(t, func(c *config.Config) {
				c.Processing.TypingIndicator = new(false) // so that the faults meet the sends
				if tc.bird != nil && tc.bird.Hang {
					c.Bird.Endpoints = map[string]config.Endpoint{"process_text_message": {Timeout: 100 * time.Millisecond}}
				}

				if tc.graph != nil && tc.graph.Hang {
					c.CloudAPI.Timeout = 200 * time.Millisecond
				}

				if tc.status {
					c.Processing.AmbiguousWindow = time.Hour // only the status can end it
				}
			})
			if tc.bird != nil {
				w.bird.Faults.Add(*tc.bird)
			}

			if tc.graph != nil {
				tc.graph.PathPrefix = messages
				w.graph.Faults.Add(*tc.graph)
			}

			w.start()

			message := standin.Wamid("1")
			w.deliver(http.StatusOK, text("573001234567", message, "hello"))

			if tc.status {
				lost := w.sent(1)[0]
				w.until("the send is in doubt", func() bool { return len(w.record(message).Failures) > 0 })
				w.deliver(http.StatusOK, standin.StatusDelivery(number, lost.ID, "sent", "573001234567", lost.Callback, time.Now()))
			}

			w.quiet()
			w.sent(tc.sent)

			record := w.record(message)
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

			asks := len(w.bird.Recorder.Calls(standin.On(http.MethodPost, "/v1/messages")))
			if sends := len(w.graph.Recorder.Calls()); asks != tc.asks || sends != tc.sends {
				t.Errorf("Bird saw %d calls and Graph %d, want %d and %d", asks, sends, tc.asks, tc.sends)
			}

			if asked := len(w.questions()); tc.graph != nil && asked != 1 {
				t.Errorf("Bird was asked %d times though it had answered, want 1", asked)
			}
		})
	}
}

func fault(f standin.Fault, times int) *standin.Fault { f.Times = times; return &f }

func repeat(s string, n int) []string { return strings.Split(strings.Repeat(s+" ", n-1)+s, " ") }

func TestDeadLetterLetsTheConversationGoOnAndIsReplayed(t *testing.T) {
	w := newWorld(t, nil)
	w.bird.Faults.Add(standin.Fault{Status: 422, Times: 1})
	w.start()

	first := standin.Wamid("1")
	second := standin.Wamid("2")

	w.deliver(http.StatusOK, text("573001234567", first, "one"))
	w.until("dead letter", func() bool { return w.stats().DeadLetters == 1 })
	w.deliver(http.StatusOK, text("573001234567", second, "two"))

	if got := w.sent(1)[0].Text; got != "You said: two" {
		t.Errorf("sent %q, want the answer to the second message", got)
	}

	if err := w.running.Store().Replay(t.Context(), w.record(first).Event.ID, time.Now()); err != nil {
		t.Fatal(err)
	}

	if got := w.sent(2)[1].Text; got != "You said: one" {
		t.Errorf("sent %q, want the answer to the replayed message", got)
	}
}

func TestOrderWithinAndIndependenceBetweenConversations(t *testing.T) {
	w := newWorld(t, nil)
	// One person's first message has to be tried again; the others must not notice.
	w.bird.Faults.Add(standin.Fault{Status: 503, Times: 1})
	w.start()

	const people, each = 5, 8
	for i := range each {
		for p := range people {
			w.deliver(http.StatusOK, text(fmt.Sprintf("57300%d", p), standin.Wamid(fmt.Sprint(p, "-", i)), fmt.Sprint(i)))
		}
	}

	next := map[string]int{}
	for _, sent := range w.sent(people * each) {
		if want := fmt.Sprint("You said: ", next[sent.To]); sent.Text != want {
			t.Errorf("to one person: sent %q, want %q", sent.Text, want)
		}

		next[sent.To]++
	}
}

func TestLongAnswerIsSplitInOrder(t *testing.T) {
	w := newWorld(t, func(c *config.Config) { c.CloudAPI.MessagesPerSecond = 10 }) // so that the parts wait for their turn
	w.start()

	long := strings.TrimSpace(strings.Repeat("word ", 1700))
	w.deliver(http.StatusOK, text("573001234567", standin.Wamid("1"), long))
	sent := w.sent(3)

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
	w := newWorld(t, nil)
	w.start()
	w.deliver(http.StatusOK, standin.TextDelivery("999", "573001234567", "Ana", standin.Wamid("1"), "not ours", time.Now()))
	w.deliver(http.StatusOK, standin.MessageDelivery(number, "573001234567", "Ana", standin.Wamid("2"), "sticker", map[string]string{"id": "5"}, time.Now()))
	w.deliver(http.StatusOK, []byte(`{"object":"page","entry":[]}`))
	w.quiet()

	totals, err := w.running.Store().Totals(t.Context())
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

	if asked := w.questions(); len(asked) != 0 {
		t.Errorf("Bird was asked %d times, want never", len(asked))
	}
}

func TestStatusesNeverGoBackwards(t *testing.T) {
	w := newWorld(t, nil)
	w.start()

	for _, status := range []string{"sent", "read", "delivered", "sent", "failed", "surprising"} {
		w.deliver(http.StatusOK, standin.StatusDelivery(number, "wamid.out", status, "573001234567", "", time.Now()))
	}

	got, err := w.running.Store().MessageStatus(t.Context(), number, "wamid.out", "")
	if err != nil {
		t.Fatal(err)
	}

	if got.Status != "read" {
		t.Errorf("status = %q, want read", got.Status)
	}
}

func TestSecretRotationRefusesNoDelivery(t *testing.T) {
	w := newWorld(t, nil)
	w.start()
	w.deliver(http.StatusOK, text("573001234567", standin.Wamid("1"), "with the old secret"))

	w.secret(config.RoleAppSecret, "1", "new-secret")
	w.until("new secret accepted", func() bool {
		status, _, err := standin.Deliver(t.Context(), w.client, w.url(), "new-secret", text("573001234567", standin.Wamid("2"), "with the new secret"))
		if err != nil {
			t.Fatal(err)
		}

		return status == http.StatusOK
	})
	w.deliver(http.StatusOK, text("573001234567", standin.Wamid("3"), "with the old secret still"))

	w.secret(config.RoleAppSecret, "0", "new-secret")
	w.until("old secret refused", func() bool {
		status, _, err := standin.Deliver(t.Context(), w.client, w.url(), appSecret, text("573001234567", standin.Wamid("4"), "too late"))
		if err != nil {
			t.Fatal(err)
		}

		return status == http.StatusUnauthorized
	})
}

func TestMissingSecretsAreNamedAndHeal(t *testing.T) {
	w := newWorld(t, nil)
	w.secret(config.RoleAppSecret, "0", "")
	w.start()
	w.deliver(http.StatusServiceUnavailable, text("573001234567", standin.Wamid("1"), "hello"))

	if code, body := w.admin("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, config.RoleAppSecret) {
		t.Errorf("GET /readyz = %d %q, want 503 that names the role", code, body)
	}

	if diff := cmp.Diff([]string{config.RoleAppSecret}, w.status().MissingSecrets); diff != "" {
		t.Errorf("missing secrets (-want +got):\n%s", diff)
	}

	w.secret(config.RoleAppSecret, "0", appSecret)
	w.until("ready", func() bool { code, _ := w.admin("/readyz"); return code == http.StatusOK })
	w.deliver(http.StatusOK, text("573001234567", standin.Wamid("1"), "hello"))
	w.sent(1)
}

func TestDrainFinishesWhatIsInHand(t *testing.T) {
	w := newWorld(t, nil)
	asked := make(chan struct{})
	answer := make(chan struct{})
	w.reply = func(method string, request map[string]any) any {
		close(asked)
		<-answer

		return standin.EchoReply(method, request)
	}
	w.start()
	w.deliver(http.StatusOK, text("573001234567", standin.Wamid("1"), "hello"))
	<-asked
	w.running.stop()
	w.until("draining shows", func() bool {
		code, body := w.admin("/readyz")
		return code == 503 && strings.Contains(body, "shutting down")
	})
	close(answer)
	w.end(w.running)

	if got := len(w.graph.Sent()); got != 1 {
		t.Errorf("%d messages were sent, want the one in hand", got)
	}
}

func TestDrainHandsBackWhatTakesTooLong(t *testing.T) {
	w := newWorld(t, func(c *config.Config) { c.Shutdown.DrainTimeout = 50 * time.Millisecond })
	asked := make(chan struct{})
	answer := make(chan struct{})

	var once sync.Once

	w.reply = func(method string, request map[string]any) any {
		once.Do(func() { close(asked); <-answer })
		return standin.EchoReply(method, request)
	}
	w.start()

	message := standin.Wamid("1")
	w.deliver(http.StatusOK, text("573001234567", message, "hello"))
	<-asked
	w.end(w.running)
	close(answer)
	w.until("Bird is done with the first call", func() bool { return w.bird.Recorder.Total() == 1 })
	w.start()
	w.sent(1)
	w.quiet()

	if got := w.record(message); got.Attempts != 0 {
		t.Errorf("attempts = %d; being cut off spends none", got.Attempts)
	}
}

func TestRestartGoesOnWhereItStopped(t *testing.T) {
	w := newWorld(t, nil)
	w.bird.Faults.Add(standin.Fault{Status: 401})
	w.start()

	message := standin.Wamid("1")
	w.deliver(http.StatusOK, text("573001234567", message, "hello"))
	w.until("a problem is reported", func() bool { return len(w.status().Problems) == 1 })
	w.end(w.running)
	w.bird.Faults.Clear()
	w.start()
	w.sent(1)
	w.quiet()

	if got := w.record(message); got.Attempts != 0 || len(got.Failures) == 0 {
		t.Errorf("attempts = %d, failures = %d; a wrong key spends no attempt and is remembered", got.Attempts, len(got.Failures))
	}

	if got := w.status().Problems; len(got) != 0 {
		t.Errorf("problems = %v, want none once healed", got)
	}
}

func TestStatusTellsOfTheToken(t *testing.T) {
	w := newWorld(t, nil)
	w.secret(config.RoleAccessToken, "0", "expired")
	w.start()

	if got := w.status().Token; got != "unknown" {
		t.Errorf("token = %q before anything was sent, want unknown", got)
	}

	w.deliver(http.StatusOK, text("573001234567", standin.Wamid("1"), "hello"))
	w.until("the token is refused", func() bool { return w.status().Token == "refused" })
	w.deliver(http.StatusOK, text("573007654321", standin.Wamid("2"), "deliveries are taken all the same"))
	w.secret(config.RoleAccessToken, "0", accessToken)
	w.sent(2)
	w.quiet()

	if got := w.status().Token; got != "accepted" {
		t.Errorf("token = %q after a new one, want accepted", got)
	}
}
