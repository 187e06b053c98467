// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// addDeadLetters stores n dead letters.
func addDeadLetters(t *testing.T, inbox store.Store, n int) {
	t.Helper()

	for i := range n {
		event := store.Event{
			ID:         store.NewID(store.KindMessage, fmt.Sprint(i)),
			Kind:       store.KindMessage,
			Type:       "text",
			State:      store.Pending,
			Lane:       fmt.Sprint("lane-", i),
			Payload:    []byte(`{"raw":{}}`),
			ReceivedAt: now,
		}
		if _, err := inbox.Ingest(t.Context(), []store.Event{event}); err != nil {
			t.Fatal(err)
		}

		leases, err := inbox.Claim(t.Context(), store.Conversations, now, now.Add(time.Minute), 1)
		if err != nil || len(leases) != 1 {
			t.Fatalf("Claim() = %v, %v", leases, err)
		}

		step := store.Step{Now: now, Outcome: &store.Outcome{State: store.Dead, Failure: &store.Failure{
			At:    now,
			Class: "permanent",
			Code:  "http_400",
		}}}
		if _, err := inbox.Advance(t.Context(), leases[0].LeaseRef, event.ID, step); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConsole(t *testing.T) {
	inbox := openStore(t)
	console := newTestConsole(t, inbox)
	call := console.call

	addDeadLetters(t, inbox, 5)

	var page struct {
		DeadLetters []DeadLetter `json:"dead_letters"`
		Next        int64
	}

	_, body := call("GET", "/dead-letters?limit=3")
	if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.DeadLetters) != 3 || page.Next == 0 {
		t.Fatalf("GET /dead-letters?limit=3 = %s, want 3 and the next seq", body)
	}

	if letter := page.DeadLetters[0]; letter.Payload != nil || len(letter.Failures) != 1 {
		t.Errorf("listed %+v, want the failures and no payload", letter)
	}

	first := page.DeadLetters[0].ID
	second := page.DeadLetters[1].ID

	_, body = call("GET", fmt.Sprint("/dead-letters?after=", page.Next))
	if got := strings.Count(body, `"id"`); got != 2 {
		t.Errorf("the second page has %d dead letters, want the other 2", got)
	}

	if code, body := call("GET", "/dead-letters/"+first); code != 200 || !strings.Contains(body, `"payload"`) {
		t.Errorf("GET one = %d %s, want it with its payload", code, body)
	}

	for _, tc := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"POST", "/dead-letters/" + first + "/replay", nil, 200},
		{"POST", "/dead-letters/" + first + "/replay", nil, 404},
		{"GET", "/dead-letters/" + first, nil, 404},
		{"DELETE", "/dead-letters/" + second, nil, 200},
		{"DELETE", "/dead-letters/" + second, nil, 404},
		{"DELETE", "/dead-letters/xyz", nil, 400},
		{"POST", "/dead-letters/replay", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/dead-letters/replay", nil, 200},
	} {
		if code, body := call(tc.method, tc.path, tc.headers...); code != tc.want {
			t.Errorf("%s %s = %d %s, want %d", tc.method, tc.path, code, body, tc.want)
		}
	}

	woken := console.woken.Load()

	stats, err := inbox.Stats(t.Context(), now)
	if err != nil || stats.DeadLetters != 0 || stats.Pending != 4 || woken != 2 {
		t.Errorf("stats = %+v, %v, woken %d times; want 4 pending again, woken twice", stats, err, woken)
	}

	r := httptest.NewRequest(http.MethodGet, "http://rebound.example/dead-letters", http.NoBody)
	w := httptest.NewRecorder()
	console.http.ServeHTTP(w, r)

	if w.Code != http.StatusForbidden {
		t.Errorf("with another host name: %d, want 403", w.Code)
	}
}

// TestFailuresAreAList reads a dead letter and a quarantined event that failed at nothing. Scripts go through the list of failures.
func TestFailuresAreAList(t *testing.T) {
	console := newTestConsole(t, &fakeStore{events: []store.Record{deadLetter(1, store.Quarantined, "42", "")}})

	if _, body := console.call("GET", "/v1/dead-letters?state=quarantined"); !strings.Contains(body, `"failures": []`) {
		t.Errorf("the list is %s, want an empty list of failures", body)
	}
}
