// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/messagesapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/questions"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// testConsole is a console on a store, with its log and the number of its wake-ups.
type testConsole struct {
	t     *testing.T
	http  http.Handler
	clock *clockwork.FakeClock
	log   bytes.Buffer
	woken atomic.Int64
	sent  []string // texts to persons

	questions questions.Feed
}

func newTestConsole(t *testing.T, inbox store.Store) *testConsole {
	c := &testConsole{t: t, clock: clockwork.NewFakeClockAt(now)}
	log := slog.New(slog.NewTextHandler(&c.log, nil))

	jobs := NewJobs(c.clock, log)
	t.Cleanup(jobs.Close)

	c.http = New(Dependencies{
		Version: "test",
		Store:   inbox,
		Live: config.Fixed(config.Config{
			Bird:          config.Bird{BaseURL: "http://bird"},
			Notifications: config.Notifications{SinkURL: "http://sink"},
		}.WithDefaults(), config.Secrets{AppSecrets: []string{"secret"}}),
		Wake: func(...store.Class) { c.woken.Add(1) },
		SendText: func(_ context.Context, _, text, _ string) (messagesapi.Stored, bool, error) {
			c.sent = append(c.sent, text)
			return messagesapi.Stored{ID: store.NewID(store.KindOutbound, text).String(), State: "stored"}, false, nil
		},
		Jobs:      jobs,
		Doctor:    http.NotFoundHandler(),
		Questions: &c.questions,
		Clock:     c.clock,
		Log:       log,
	})

	return c
}

// openStore opens an empty store.
func openStore(t *testing.T) store.Store {
	t.Helper()

	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = inbox.Close() })

	return inbox
}

// storeMessage stores a pending message of the conversation 42:573001.
func storeMessage(t *testing.T, inbox store.Store) store.Event {
	t.Helper()

	event := store.Event{
		ID:            store.NewID(store.KindMessage, "1"),
		Kind:          store.KindMessage,
		State:         store.Pending,
		Lane:          "42:573001",
		PhoneNumberID: "42",
		Payload:       []byte(`{}`),
		ReceivedAt:    now,
	}
	if _, err := inbox.Ingest(t.Context(), []store.Event{event}); err != nil {
		t.Fatal(err)
	}

	return event
}

// call calls the console, and checks its answer against the document of the API if the path has the prefix.
func (c *testConsole) call(method, path string, headers ...string) (int, string) {
	r := httptest.NewRequest(method, "http://localhost:9091"+path, http.NoBody)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}

	w := httptest.NewRecorder()
	c.http.ServeHTTP(w, r)

	if strings.HasPrefix(path, prefix) && w.Code != http.StatusForbidden {
		c.check(r, w)
	}

	return w.Code, w.Body.String()
}

// document returns the document of the API, which is compiled once.
var document = sync.OnceValues(func() (*openapi.Document, error) { return openapi.Load(openapi.ConsoleAPI) })

func (c *testConsole) check(r *http.Request, w *httptest.ResponseRecorder) {
	c.t.Helper()

	document, err := document()
	if err != nil {
		c.t.Fatal(err)
	}

	if err := document.CheckRequest(r, nil); err != nil && w.Code < http.StatusBadRequest {
		c.t.Error(err)
	}

	if err := document.CheckResponse(r, w.Code, w.Header(), w.Body.Bytes()); err != nil {
		c.t.Errorf("%v: %s", err, w.Body)
	}
}

// callJSON calls the console, checks the status, and decodes the answer.
func (c *testConsole) callJSON(status int, method, path string, target any) {
	c.t.Helper()

	code, body := c.call(method, path)
	if code != status {
		c.t.Fatalf("%s %s = %d %s, want %d", method, path, code, body, status)
	}

	if err := json.Unmarshal([]byte(body), target); err != nil {
		c.t.Fatalf("%s %s = %s: %v", method, path, body, err)
	}
}

func deadLetter(seq int64, state store.State, number, code string) store.Record {
	record := store.Record{Work: store.Work{
		Seq: seq,
		Event: store.Event{
			ID:            store.NewID(store.KindMessage, fmt.Sprint(seq)),
			Kind:          store.KindMessage,
			Type:          "text",
			State:         state,
			PhoneNumberID: number,
			ReceivedAt:    now.Add(time.Duration(seq) * time.Second),
		},
	}}
	if code != "" {
		record.Failures = []store.Failure{{Code: code}}
	}

	return record
}

func TestSelectionOfDeadLetters(t *testing.T) {
	console := newTestConsole(t, &fakeStore{events: []store.Record{
		deadLetter(1, store.Dead, "42", "131026"),
		deadLetter(2, store.Dead, "43", "131026"),
		deadLetter(3, store.Dead, "42", "bad_response"),
		deadLetter(4, store.Quarantined, "44", ""),
		deadLetter(5, store.Human, "42", ""),
		deadLetter(6, store.Done, "42", ""),
		deadLetter(7, store.Expired, "", "http_503"),
	}})

	at := func(seq int) string { return now.Add(time.Duration(seq) * time.Second).Format(time.RFC3339) }

	for query, want := range map[string][]int64{
		"":                              {1, 2, 3},
		"?number=42":                    {1, 3},
		"?code=131026":                  {1, 2},
		"?number=42&code=131026":        {1},
		"?state=quarantined":            {4},
		"?state=quarantined,human":      {4, 5},
		"?state=dead&state=human":       {1, 2, 3, 5},
		"?state=all":                    {1, 2, 3, 4, 5, 7},
		"?state=all&number=none":        {7},
		"?state=all&code=none":          {4, 5},
		"?type=none":                    nil,
		"?type=image":                   nil,
		"?kind=status":                  nil,
		"?kind=message&type=text":       {1, 2, 3},
		"?received_after=" + at(1):      {2, 3},
		"?received_before=" + at(3):     {1, 2},
		"?after=1&limit=1&number=42":    {3},
		"?state=all&limit=100000&after": {1, 2, 3, 4, 5, 7},
	} {
		var page struct {
			DeadLetters []DeadLetter `json:"dead_letters"`
		}
		console.callJSON(http.StatusOK, http.MethodGet, "/dead-letters"+query, &page)

		var got []int64
		for _, letter := range page.DeadLetters {
			got = append(got, letter.Seq)
		}

		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("GET /dead-letters%s (-want +got):\n%s", query, diff)
		}
	}

	for _, query := range []string{
		"?state=done", "?state=", "?number=", "?code=&number=42", "?type=", "?kind=", "?nummer=42", "?received_after=yesterday", "?after=x", "?limit=x",
	} {
		if code, body := console.call(http.MethodGet, "/dead-letters"+query); code != http.StatusBadRequest {
			t.Errorf("GET /dead-letters%s = %d %s, want 400", query, code, body)
		}
	}

	for _, call := range []string{"/dead-letters/replay?nummer=42", "/dead-letters/discard?state=done", "/dead-letters/discard?limit=1"} {
		if code, body := console.call(http.MethodPost, call); code != http.StatusBadRequest {
			t.Errorf("POST %s = %d %s, want 400 and nothing changed", call, code, body)
		}
	}
}
