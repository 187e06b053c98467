// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
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

func TestFaults(t *testing.T) {
	messages := "/" + number + "/messages"
	for name, tc := range map[string]struct {
		bird, graph *standin.Fault
		status      bool // Meta reports the status of a send whose response was lost
		state       store.State
		sent        int
		classes     []string // of the failures in the event's history
		asks, sends int      // calls to Bird and Graph, including failed ones
	}{
		"Bird 500 recovers": {
			bird:    &standin.Fault{Status: 500, Times: 1},
			state:   store.Done,
			sent:    1,
			classes: []string{"transient"},
			asks:    2,
			sends:   1,
		},
		"Graph 80007 recovers": {
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
		"Bird 503 recovers": {
			bird:    &standin.Fault{Status: 503, Times: 2},
			state:   store.Done,
			sent:    1,
			classes: []string{"transient", "transient"},
			asks:    3,
			sends:   1,
		},
		"Bird 429 with Retry-After": {
			bird: &standin.Fault{
				Status:     429,
				RetryAfter: "0",
				Times:      1,
			},
			state:   store.Done,
			sent:    1,
			classes: []string{"rate_limited"},
			asks:    2,
			sends:   1,
		},
		"Bird 401 recovers": {
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
		"Bird answers HTML": {
			bird:    &standin.Fault{Status: 200, Body: "<html>"},
			state:   store.Dead,
			classes: []string{"permanent"},
			asks:    1,
			sends:   0,
		},
		"Bird answers 204": {bird: &standin.Fault{Status: 204}, state: store.Done, asks: 1, sends: 0},
		"Bird answers null": {
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
		"Graph 190 recovers": {
			graph:   fault(standin.GraphError(190, "", 0), 5),
			state:   store.Done,
			sent:    1,
			classes: repeat("configuration", 5),
			asks:    1,
			sends:   6,
		},
		"Graph 130429 recovers": {
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
		"Graph 131016 recovers": {
			graph:   fault(standin.GraphError(131016, "", 0), 1),
			state:   store.Done,
			sent:    1,
			classes: []string{"ambiguous"},
			asks:    1,
			sends:   2,
		},
		"response lost, no status": {
			graph:   &standin.Fault{Cut: standin.CutAfter, Times: 1},
			state:   store.Done,
			sent:    2,
			classes: []string{"ambiguous"},
			asks:    1,
			sends:   2,
		},
		"response lost, status arrives": {
			graph:   &standin.Fault{Cut: standin.CutAfter, Times: 1},
			status:  true,
			state:   store.Done,
			sent:    1,
			classes: []string{"ambiguous"},
			asks:    1,
			sends:   1,
		},
		"Graph 500": {
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
				c.Processing.TypingIndicator = new(false) // so that the faults affect the sends
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

				h.malformed = tc.state == store.Dead

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
				h.waitFor("the outcome of the send is unknown", func() bool { return len(h.record(message).Failures) > 0 })
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
					t.Errorf("failure contains personal data: %q", f.Text)
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

// shortTimeout is the timeout of the one call that has to time out. Later calls get a long one, so that a slow machine does
// not time out again.
const shortTimeout = 3 * time.Second

func textTimeout(d time.Duration) map[string]config.Endpoint {
	return map[string]config.Endpoint{"process_text_message": {Timeout: d}}
}

// raiseTimeout gives every call to Bird after the first a long timeout.
func (h *harness) raiseTimeout(next http.Handler) http.Handler {
	var once sync.Once

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { h.reconfigure(func(c *config.Config) { c.Bird.Endpoints = textTimeout(waitLimit) }) })
		next.ServeHTTP(w, r)
	})
}

func fault(f standin.Fault, times int) *standin.Fault { f.Times = times; return &f }

func repeat(s string, n int) []string { return strings.Split(strings.Repeat(s+" ", n-1)+s, " ") }
