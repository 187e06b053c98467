// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// testConsole is a console on a store, with its log and the number of its wake-ups.
type testConsole struct {
	t     *testing.T
	http  http.Handler
	clock *clockwork.FakeClock
	log   bytes.Buffer
	woken atomic.Int64
}

func newTestConsole(t *testing.T, inbox store.Store) *testConsole {
	c := &testConsole{t: t, clock: clockwork.NewFakeClockAt(now)}
	log := slog.New(slog.NewTextHandler(&c.log, nil))

	jobs := NewJobs(c.clock, log)
	t.Cleanup(jobs.Close)

	c.http = NewConsole(Console{
		Store: inbox,
		Live: config.Fixed(config.Config{
			Bird:          config.Bird{BaseURL: "http://bird"},
			Notifications: config.Notifications{SinkURL: "http://sink"},
		}.WithDefaults(), config.Secrets{}),
		Wake:  func(...store.Class) { c.woken.Add(1) },
		Jobs:  jobs,
		Clock: c.clock,
		Log:   log,
	})

	return c
}

func (c *testConsole) call(method, path string, headers ...string) (int, string) {
	r := httptest.NewRequest(method, "http://localhost:9091"+path, http.NoBody)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}

	w := httptest.NewRecorder()
	c.http.ServeHTTP(w, r)

	return w.Code, w.Body.String()
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

// waitJob waits until a job has ended.
func (c *testConsole) waitJob(id string) Job {
	c.t.Helper()

	timeout := time.After(time.Minute)

	for {
		var job Job
		c.callJSON(http.StatusOK, http.MethodGet, "/jobs/"+id, &job)

		if job.State != JobRunning {
			return job
		}

		select {
		case <-timeout:
			c.t.Fatalf("job %+v does not end", job)
		case <-time.After(time.Millisecond):
			c.clock.Advance(bulkRetry)
		}
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
		"?state=all":                    {1, 2, 3, 4, 5},
		"?type=image":                   nil,
		"?kind=status":                  nil,
		"?kind=message&type=text":       {1, 2, 3},
		"?received_after=" + at(1):      {2, 3},
		"?received_before=" + at(3):     {1, 2},
		"?after=1&limit=1&number=42":    {3},
		"?state=all&limit=100000&after": {1, 2, 3, 4, 5},
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
		"?state=done", "?state=", "?nummer=42", "?received_after=yesterday", "?after=x", "?limit=x",
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

func TestBulkReplayIsAJob(t *testing.T) {
	inbox := &fakeStore{failing: 2, block: make(chan struct{})}
	for i := range int64(bulkBatch*3 + 1) {
		inbox.events = append(inbox.events, deadLetter(i+1, store.Dead, "42", "131026"))
	}

	console := newTestConsole(t, inbox)

	// The call does not wait longer than a moment for its job.
	answered := make(chan BulkResult)

	go func() {
		var result BulkResult
		console.callJSON(http.StatusAccepted, http.MethodPost, "/dead-letters/replay?code=131026", &result)

		answered <- result
	}()

	if err := console.clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}

	console.clock.Advance(bulkWait)

	result := <-answered
	if result.State != JobRunning || result.Replayed == nil || result.Total == nil || *result.Total != bulkBatch*3+1 {
		t.Errorf("answered %+v, want a running job and the number of events", result)
	}

	var other BulkResult
	console.callJSON(http.StatusConflict, http.MethodPost, "/dead-letters/replay", &other)

	if other.ID != result.ID {
		t.Errorf("a second call names job %s, want the running one", other.ID)
	}

	// An event that arrives meanwhile is not replayed.
	inbox.mu.Lock()
	late := deadLetter(1_000_000, store.Dead, "42", "131026")
	inbox.events = append(inbox.events, late)
	inbox.mu.Unlock()

	close(inbox.block)

	job := console.waitJob(result.ID)
	if job.State != JobDone || job.Done != bulkBatch*3+1 || job.Failed != 2 || job.Ended.IsZero() {
		t.Errorf("job ended as %+v, want all events replayed after 2 failed batches", job)
	}

	if diff := cmp.Diff([]int{bulkBatch, bulkBatch, bulkBatch, 1}, inbox.batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}

	if console.woken.Load() < 4 {
		t.Errorf("the engine was woken %d times, want after each batch", console.woken.Load())
	}

	if record, _ := inbox.Get(t.Context(), late.Event.ID); record.Event.State != store.Dead {
		t.Error("an event that arrived after the call was replayed too")
	}
}

func TestBulkCallOfFewEvents(t *testing.T) {
	inbox := &fakeStore{events: []store.Record{
		deadLetter(1, store.Dead, "42", "131026"),
		deadLetter(2, store.Dead, "42", "131026"),
		deadLetter(3, store.Human, "42", ""),
	}}
	console := newTestConsole(t, inbox)

	var result BulkResult
	console.callJSON(http.StatusOK, http.MethodPost, "/dead-letters/replay", &result)

	if result.State != JobDone || result.Replayed == nil || *result.Replayed != 2 || *result.Total != 2 {
		t.Errorf("answered %+v, want 2 replayed", result)
	}

	result = BulkResult{}
	console.callJSON(http.StatusOK, http.MethodPost, "/dead-letters/discard?state=human", &result)

	if result.State != JobDone || result.Discarded == nil || *result.Discarded != 1 {
		t.Errorf("answered %+v, want 1 discarded", result)
	}

	var list struct{ Jobs []Job }
	console.callJSON(http.StatusOK, http.MethodGet, "/jobs", &list)

	if len(list.Jobs) != 2 || list.Jobs[0].Kind != JobDiscard || list.Jobs[1].Kind != JobReplay {
		t.Errorf("jobs are %+v, want both, the newest first", list.Jobs)
	}
}

func TestCancelJob(t *testing.T) {
	inbox := &fakeStore{failing: 1}
	for i := range int64(10) {
		inbox.events = append(inbox.events, deadLetter(i+1, store.Dead, "42", ""))
	}

	console := newTestConsole(t, inbox)
	answered := make(chan int)

	go func() {
		code, _ := console.call(http.MethodPost, "/dead-letters/discard")
		answered <- code
	}()

	// The first batch has failed, and the job waits to try again.
	if err := console.clock.BlockUntilContext(t.Context(), 2); err != nil {
		t.Fatal(err)
	}

	var list struct{ Jobs []Job }
	console.callJSON(http.StatusOK, http.MethodGet, "/jobs", &list)

	var cancelled Job
	console.callJSON(http.StatusOK, http.MethodDelete, "/jobs/"+list.Jobs[0].ID, &cancelled)

	job := console.waitJob(cancelled.ID)
	if job.State != JobCancelled || job.Done != 0 {
		t.Errorf("job ended as %+v, want it cancelled before its first batch", job)
	}

	if code := <-answered; code != http.StatusOK {
		t.Errorf("the call is answered %d once its job has ended, want 200", code)
	}

	if code, _ := console.call(http.MethodGet, "/jobs/none"); code != http.StatusNotFound {
		t.Errorf("an unknown job is answered %d, want 404", code)
	}
}

func TestJobsAreForgotten(t *testing.T) {
	console := newTestConsole(t, &fakeStore{})
	for range maxJobs + 3 {
		var result BulkResult
		console.callJSON(http.StatusOK, http.MethodPost, "/dead-letters/replay", &result)
	}

	var list struct{ Jobs []Job }
	console.callJSON(http.StatusOK, http.MethodGet, "/jobs", &list)

	if len(list.Jobs) != maxJobs {
		t.Errorf("%d jobs are remembered, want %d", len(list.Jobs), maxJobs)
	}
}

func TestConversations(t *testing.T) {
	event := store.NewID(store.KindMessage, "1")
	handedOff := store.Takeover{
		By:    store.HandedOff,
		Until: now.Add(time.Hour),
		At:    now.Add(-time.Minute),
		Event: event,
	}
	reason := store.Record{Work: store.Work{Event: notice.Notice{
		Type:    notice.HandedOff,
		Source:  notice.Number("42"),
		Subject: event.String(),
		Data:    json.RawMessage(`{"reason":"complaint"}`),
	}.Event(notice.HandoffOccurrence(handedOff.At))}}
	inbox := &fakeStore{
		events: []store.Record{reason},
		conversations: map[string]store.Conversation{
			"42:573001": {Takeover: handedOff, LastInboundAt: now.Add(-time.Second)},
			"42:573002": {},
			// The colleague's clock is ahead.
			"42:573003": {Takeover: store.Takeover{By: store.Colleague, Until: now.Add(time.Hour), At: now.Add(time.Minute)}},
			"42:573004": {Takeover: store.Takeover{By: store.Colleague, Until: now, At: now.Add(-time.Hour)}},
		},
	}
	console := newTestConsole(t, inbox)

	names := func() []string {
		var page struct{ Conversations []Conversation }
		console.callJSON(http.StatusOK, http.MethodGet, "/conversations?state=taken_over", &page)

		var names []string
		for _, c := range page.Conversations {
			names = append(names, c.Name)
		}

		return names
	}

	if diff := cmp.Diff([]string{"42:573001", "42:573003"}, names()); diff != "" {
		t.Errorf("conversations that people have (-want +got):\n%s", diff)
	}

	var got Conversation
	console.callJSON(http.StatusOK, http.MethodGet, "/conversations/42:573001", &got)

	if diff := cmp.Diff(Conversation{
		Name:          "42:573001",
		TakenOver:     true,
		By:            "handed_off",
		Since:         new(handedOff.At),
		Until:         new(handedOff.Until),
		Event:         event.String(),
		Reason:        "complaint",
		LastMessageAt: new(now.Add(-time.Second)),
	}, got); diff != "" {
		t.Errorf("conversation that the AI handed off (-want +got):\n%s", diff)
	}

	for _, name := range []string{"42:573001", "42%3A573003"} {
		got = Conversation{}
		console.callJSON(http.StatusOK, http.MethodPost, "/conversations/"+name+"/give-back", &got)

		if got.TakenOver || got.By != "assistant" {
			t.Errorf("given back: %+v, want the AI to have %s", got, name)
		}
	}

	if len(inbox.ingested) != 1 || inbox.ingested[0].Type != notice.Returned {
		t.Errorf("notices are %+v, want one: the AI has the conversation back that it had handed off", inbox.ingested)
	}

	got = Conversation{}
	console.callJSON(http.StatusOK, http.MethodPost, "/conversations/42:573002/take-over?for=2h", &got)

	if !got.TakenOver || got.By != "desk" || !got.Until.Equal(now.Add(2*time.Hour)) {
		t.Errorf("taken over: %+v, want for 2 hours", got)
	}

	if diff := cmp.Diff([]string{"42:573002"}, names()); diff != "" {
		t.Errorf("conversations that people have (-want +got):\n%s", diff)
	}

	for path, want := range map[string]int{
		"/conversations/42:1/take-over":                        http.StatusNotFound,
		"/conversations/42:1/give-back":                        http.StatusNotFound,
		"/conversations/42:573002/take-over?for=soon":          http.StatusBadRequest,
		"/conversations/42:573002/take-over?for=-1h":           http.StatusBadRequest,
		"/conversations/42:573002/take-over?for=10000h":        http.StatusBadRequest,
		"/conversations/42:573002/take-over?until=2026-12-24T": http.StatusBadRequest,
	} {
		if code, body := console.call(http.MethodPost, path); code != want {
			t.Errorf("POST %s = %d %s, want %d", path, code, body, want)
		}
	}

	if strings.Contains(console.log.String(), "57300") {
		t.Errorf("the log names a person:\n%s", console.log.String())
	}
}
