// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// TestRates sends until a limit refuses a message, and again once it lets messages through.
func TestRates(t *testing.T) {
	const other = `{"messaging_product":"whatsapp","to":"573009999999","text":{"body":"hi"}}`

	for name, tc := range map[string]struct {
		rules   Rules
		allowed int
		code    int
		other   int // code for a message to another person while the limit is reached
		wait    time.Duration
	}{
		"throughput":     {Rules{Throughput: 80}, 80, 130429, 130429, time.Second},
		"pair":           {Rules{PairRate: true}, 45, 131056, 0, 6 * time.Second},
		"both, pair hit": {Rules{PairRate: true, Throughput: 80}, 45, 131056, 0, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			clock := clockwork.NewFakeClock()
			graph := NewGraph(GraphOptions{Clock: clock, Rules: tc.rules})
			url, client := start(t, graph)
			send := func(body string) int {
				t.Helper()

				_, answer := do(t, client, request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/messages", body,
					"Authorization", "Bearer t"))

				return errorCode(t, answer)
			}
			text := message(`"text":{"body":"hi"}`)

			for i := range tc.allowed {
				if code := send(text); code != 0 {
					t.Fatalf("message %d is refused with code %d", i+1, code)
				}
			}

			if code := send(text); code != tc.code {
				t.Errorf("above the limit, code %d, want %d", code, tc.code)
			}

			if code := send(other); code != tc.other {
				t.Errorf("to another person, code %d, want %d", code, tc.other)
			}

			clock.Advance(tc.wait)

			if code := send(text); code != 0 {
				t.Errorf("%s later the message is refused with code %d", tc.wait, code)
			}
		})
	}
}

// TestFailedFetches lets servers refuse Meta's download of linked media.
func TestFailedFetches(t *testing.T) {
	graph := NewGraph(GraphOptions{Rules: Rules{FailedFetches: map[string]int{"https://busy.example.com/": 429}}})
	url, client := start(t, graph)

	for fields, want := range map[string]int{
		`"type":"image","image":{"link":"https://busy.example.com/a.png"}`:  131053,
		`"type":"image","image":{"link":"https://media.example.com/a.png"}`: 0,
		`"type":"image","image":{"id":"1"}`:                                 0,
		`"text":{"body":"https://busy.example.com/"}`:                       0,
	} {
		do(t, client, request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/messages", message(fields), "Authorization", "Bearer t"))

		sent := graph.Sent()
		if got := sent[len(sent)-1]; got.Failure != want || (want != 0) != (got.FailureDetails != "") {
			t.Errorf("%s fails with %d %q, want %d", fields, got.Failure, got.FailureDetails, want)
		}
	}
}

func TestVersions(t *testing.T) {
	graph := NewGraph(GraphOptions{})
	url, client := start(t, graph)

	for version, code := range map[string]int{
		"v19.0": 0,
		"v27.0": 0,
		"v28.0": 2500,
		"v27.1": 2500,
		"v0.0":  2500,
		"27.0":  2500,
	} {
		_, answer := do(t, client, request(t, http.MethodPost, url+"/"+version+"/1/messages", message(`"text":{"body":"hi"}`),
			"Authorization", "Bearer t"))
		if got := errorCode(t, answer); got != code {
			t.Errorf("version %s answered %s, want code %d", version, answer, code)
		}
	}
}
