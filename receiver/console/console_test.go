// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/lasthour"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const hostile = `<script>alert("x")</script>`

// fakeAPI plays the API of a receiver, and records the calls that change something.
type fakeAPI struct {
	readOnly string
	refusal  int  // status of the answer to acts, if not 0
	down     bool // everything is answered 503
	away     bool
	dead     int64 // the number of dead letters, if not the 41 that the first question before a discard names
	causes   int   // of the dead letters, if not two
	old      bool  // the receiver has a version that knows no expected number
	empty    bool  // nothing is stored of any person
	nobody   bool  // no conversation is found in the first page
	acts     []string
	texts    []string // that were sent to persons
}

func (f *fakeAPI) Resources(context.Context) ([]Resource, error) {
	return []Resource{
		{Namespace: "messaging", Name: "calm"},
		{Namespace: "messaging", Name: "sales", Severity: Failure, Message: hostile, DeadLetters: new(int64(3))},
	}, nil
}

func (f *fakeAPI) Open(_ context.Context, namespace, name string) (API, error) {
	if namespace != "messaging" || name != "sales" {
		return API{}, ErrNoResource
	}

	api := InProcess(http.HandlerFunc(f.serve), "ana", slog.New(slog.DiscardHandler))
	api.ReadOnly = f.readOnly

	if f.away {
		api.Base = "http://127.0.0.1:0" // where nothing answers
		api.Client = &http.Client{Transport: &http.Transport{}}
	}

	return api, nil
}

func (f *fakeAPI) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		f.acts = append(f.acts, r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), "/v1")+" by "+r.Header.Get("Whatsapp-Actor"))

		if f.refusal == http.StatusConflict {
			w.WriteHeader(f.refusal)
			_ = json.NewEncoder(w).Encode(consoleapi.Job{
				ID:    "j1",
				Kind:  consoleapi.JobReplay,
				State: consoleapi.JobRunning,
				Done:  5,
			})

			return
		}

		if f.refusal != 0 {
			http.Error(w, "refused", f.refusal)
			return
		}

		if f.old && r.URL.Query().Has("expect") {
			http.Error(w, `unknown parameter "expect", want one of state, number, code`, http.StatusBadRequest)
			return
		}

		if r.Method == http.MethodDelete && strings.HasPrefix(r.URL.Path, "/v1/conversations/") {
			erased := consoleapi.Erased{Events: 3}
			if f.empty {
				erased.Events = 0
			}

			_ = json.NewEncoder(w).Encode(erased)

			return
		}

		if strings.HasSuffix(r.URL.Path, "/messages") {
			var body struct{ Text string }

			_ = json.NewDecoder(r.Body).Decode(&body)
			f.texts = append(f.texts, body.Text)
		}

		if expected := r.URL.Query().Get("expect"); f.dead != 0 && expected != "" && expected != strconv.FormatInt(f.dead, 10) {
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(consoleapi.Grown{Error: "more", Grown: f.dead})

			return
		}
	}

	if f.down {
		http.Error(w, "the store is unavailable", http.StatusServiceUnavailable)
		return
	}

	name := ""
	if r.URL.Query().Get("reveal") == "true" {
		name = "106:573001234567"
	}

	conversation := consoleapi.Conversation{
		ID:            "abc",
		Person:        "…4567",
		PhoneNumberID: "106",
		By:            "assistant",
		Name:          name,
		LastMessageAt: new(now.Add(-time.Minute)),
	}
	event := consoleapi.Event{
		ID:            "60bbaf80249612260d6228a2d4ad2be2",
		Seq:           7,
		Kind:          store.KindMessage,
		Type:          "text",
		State:         store.Dead,
		PhoneNumberID: "106",
		ReceivedAt:    now.Add(-time.Minute),
		Conversation:  "abc",
		Person:        "…4567",
		Code:          "131026",
	}

	var body any

	switch strings.TrimPrefix(r.URL.Path, "/v1") {
	case "/status":
		body = health.Report{
			Status:       health.StatusWarning,
			Warnings:     []string{hostile},
			Token:        health.TokenAccepted,
			ClosedScopes: []health.ClosedScope{{Scope: "bird", Reason: "unavailable", Until: now.Add(time.Minute)}},
			Backlog:      &health.Backlog{Pending: 5, DeadLetters: 3},
		}
	case "/figures":
		body = consoleapi.Figures{
			Points: []lasthour.Point{{At: now, Seconds: 10, Received: 20, AIP50: new(0.3)}},
			Rates:  []gate.Rate{{Number: "106", Sent: 7, Limit: 80}},
		}
	case "/conversations":
		page := consoleapi.ConversationPage{Conversations: []consoleapi.Conversation{conversation}, Next: "5.abc"}
		if f.nobody && !r.URL.Query().Has("after") {
			page.Conversations = nil
		}

		body = page
	case "/conversations/abc":
		body = conversation
	case "/conversations/abc/messages":
		body = map[string]any{"messages": []consoleapi.Message{{
			Seq:      7,
			ID:       event.ID,
			At:       now.Add(-time.Minute),
			From:     "person",
			Type:     "text",
			Text:     hostile,
			State:    store.Done,
			Attempts: 2,
			Answer:   []consoleapi.Part{{Type: "text", Text: "An answer", State: store.Sent, Statuses: []consoleapi.Status{{Status: "read", At: now}}}},
		}}}
	case "/conversations/106:573001234567/messages": // of a conversation without a state
		body = map[string]any{"messages": []consoleapi.Message{}}
	case "/conversations/abc/export":
		_, _ = io.WriteString(w, `{"everything":true}`)
		return
	case "/events":
		body = consoleapi.EventPage{Events: []consoleapi.Event{event}, Next: 7, SearchedToAt: new(now)}
	case "/events/" + event.ID:
		body = consoleapi.EventDetail{
			Event:    event,
			TraceID:  "4bf92f3577b34da6a3ce929d0e0e4736",
			TraceURL: "https://tempo.example.com/trace/4bf92f3577b34da6a3ce929d0e0e4736",
			Steps:    []consoleapi.Step{{At: now, Step: "attempt_failed", Code: "131026", Text: hostile}},
		}
	case "/dead-letters/causes":
		causes := []consoleapi.Cause{
			{State: store.Dead, PhoneNumberID: "106", Code: "131026", Count: cmp.Or(f.dead, 41) - 4, Sample: event.ID},
			{State: store.Dead, Count: 4, Sample: event.ID},
		}

		for len(causes) < f.causes {
			causes = append(causes, consoleapi.Cause{State: store.Dead, Count: 1, Sample: event.ID})
		}

		body = map[string]any{"causes": causes}
	case "/dead-letters/replay", "/dead-letters/discard", "/jobs/j1":
		body = consoleapi.Job{
			ID:     "j1",
			Kind:   consoleapi.JobReplay,
			State:  consoleapi.JobRunning,
			Total:  new(int64(37)),
			Done:   5,
			States: map[store.State]int64{store.Done: 1, store.Pending: 1, store.Dead: 2},
		}
	case "/jobs":
		body = map[string]any{"jobs": []consoleapi.Job{}}
	case "/doctor":
		body = doctor.Report{Failures: 1, Checks: []doctor.Check{{Title: "Meta finds the URL", State: doctor.Failure, Detail: hostile, Fix: "Fix the name"}}}
	case "/configuration":
		body = map[string]any{
			"bird":    map[string]any{"baseURL": "https://bridge.example.com"},
			"webhook": map[string]any{"maxInFlightBytes": 67108864},
		}
	default:
		if r.Method == http.MethodGet {
			http.Error(w, "no such event", http.StatusNotFound)
			return
		}

		body = map[string]any{}
	}

	_ = json.NewEncoder(w).Encode(body)
}

// browser is a client of the console.
type browser struct {
	t        *testing.T
	handler  http.Handler
	language string
}

func open(t *testing.T, api *fakeAPI) browser {
	t.Helper()

	handler, err := New(Dependencies{
		Source: api,
		Clock:  clockwork.NewFakeClockAt(now),
		Log:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}

	return browser{t: t, handler: handler}
}

func (b browser) get(path string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, path, nil)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)

	return w
}

func (b browser) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", b.language)

	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)

	return w
}

const sales = "/console/r/messaging/sales"

// TestPages checks that each page is complete, shows what the API says, and escapes it.
func TestPages(t *testing.T) {
	b := open(t, &fakeAPI{})

	for path, want := range map[string][]string{
		"/console/":                  {"messaging/sales", "All resources"},
		sales + "/":                  {"Overview", "Paused calls", "in 1 min", "polyline", "20 messages received", `<td class="number">7</td><td class="number">80</td>`},
		sales + "/conversations":     {"…4567", "1 min ago", "?after=5.abc", `aria-label="Take over: …4567"`},
		sales + "/conversations/abc": {"An answer", "Take it over", "read", "2 failed attempts"},
		sales + "/events?state=dead": {"131026", "?before=7&amp;state=dead", `value="dead" selected`},
		sales + "/events/60bbaf80249612260d6228a2d4ad2be2": {"What happened", "Replay", "131026", `<a href="https://tempo.example.com/trace/4bf92f3577b34da6a3ce929d0e0e4736" target="_blank" rel="noopener noreferrer">`},
		sales + "/dead-letters":                            {"Replay these 37", "131026"},
		sales + "/jobs/j1": {
			"5 of 37 events", "<progress", `/events?job=j1&amp;state=dead">2</a>`, `/events?job=j1&amp;state=pending">1</a>`, `/events?job=j1">1</a>`,
		},
		sales + "/configuration": {"baseURL: https://bridge.example.com", "maxInFlightBytes: 67108864"},
	} {
		w := b.get(path)
		page := w.Body.String()

		if w.Code != http.StatusOK {
			t.Errorf("%s answers %d:\n%s", path, w.Code, page)
			continue
		}

		for _, text := range append(want, "</html>", `<html lang="en">`) {
			if !strings.Contains(page, text) {
				t.Errorf("%s does not show %q:\n%s", path, text, page)
			}
		}

		if strings.Contains(page, hostile) {
			t.Errorf("%s holds a text of the API as HTML", path)
		}

		for _, inline := range []string{" style=", " onclick=", "<style", "<script>", "http://", "https://fonts"} {
			if strings.Contains(page, inline) {
				t.Errorf("%s holds %q, which the content security policy forbids or which loads from elsewhere", path, inline)
			}
		}
	}
}

// TestEmptyPageWithMore checks that an empty page of a search that goes on does not say that there is none.
func TestEmptyPageWithMore(t *testing.T) {
	b := open(t, &fakeAPI{nobody: true})

	page := b.get(sales + "/conversations?state=waiting").Body.String()
	for _, text := range []string{"There is none among the conversations that were looked at so far.", "Search further", "?after=5.abc&amp;state=waiting"} {
		if !strings.Contains(page, text) || strings.Contains(page, "There is no such conversation.") {
			t.Errorf("the page lacks %q, or says that there is none:\n%s", text, page)
		}
	}
}

func TestPersonalDataAreShownOnRequest(t *testing.T) {
	b := open(t, &fakeAPI{})

	if page := b.get(sales + "/conversations").Body.String(); strings.Contains(page, "573001234567") {
		t.Errorf("the list shows a number:\n%s", page)
	}

	page := b.get(sales + "/conversations?reveal=true").Body.String()
	for _, text := range []string{"106:573001234567", "Hide personal data", "The receiver has logged"} {
		if !strings.Contains(page, text) {
			t.Errorf("the list does not show %q after a reveal:\n%s", text, page)
		}
	}
}

func TestActs(t *testing.T) {
	const event = sales + "/events/60bbaf80249612260d6228a2d4ad2be2"

	yes := url.Values{"confirm": {"yes"}}

	for _, c := range []struct {
		path     string
		form     url.Values
		act      string // at the API; empty if it asks first
		location string
	}{
		{sales + "/conversations/abc/take-over", nil, "POST /conversations/abc/take-over", sales + "/conversations/abc?done=take-over"},
		{sales + "/conversations/abc/give-back", nil, "POST /conversations/abc/give-back", sales + "/conversations/abc?done=give-back"},
		{
			sales + "/conversations/abc/send",
			url.Values{"text": {"Hello"}, "key": {"k1"}},
			"POST /conversations/abc/messages",
			sales + "/conversations/abc?done=send",
		},
		{
			sales + "/conversations/abc/take-over",
			url.Values{"back": {sales + "/conversations?state=waiting&done=give-back"}, "confirm": {"yes"}},
			"POST /conversations/abc/take-over",
			sales + "/conversations?done=take-over&state=waiting",
		},
		{
			sales + "/conversations/abc/give-back",
			url.Values{"back": {"https://example.com/"}, "confirm": {"yes"}},
			"POST /conversations/abc/give-back",
			"/console/?done=give-back",
		},
		{sales + "/conversations/abc/erase", nil, "", ""},
		{sales + "/conversations/abc/erase", yes, "DELETE /conversations/abc", sales + "/conversations/abc?done=erase"},
		{event + "/replay", nil, "POST /dead-letters/60bbaf80249612260d6228a2d4ad2be2/replay", event + "?done=replay"},
		{event + "/discard", nil, "", ""},
		{event + "/discard", yes, "DELETE /dead-letters/60bbaf80249612260d6228a2d4ad2be2", event + "?done=discard"},
		{
			sales + "/dead-letters/replay",
			url.Values{"state": {"dead"}, "code": {"131026"}, "number": {"106"}, "other": {"x"}},
			"POST /dead-letters/replay?code=131026&number=106&state=dead",
			sales + "/jobs/j1",
		},
		{
			sales + "/dead-letters/replay",
			url.Values{"state": {"dead"}, "code": {"none"}, "number": {""}}, // empty as the page of an older console has it
			"POST /dead-letters/replay?code=none&number=none&state=dead",
			sales + "/jobs/j1",
		},
		{sales + "/dead-letters/discard", url.Values{"state": {"dead"}}, "", ""},
		{sales + "/jobs/j1/cancel", nil, "DELETE /jobs/j1", sales + "/jobs/j1?done=cancel"},
	} {
		api := &fakeAPI{}
		w := open(t, api).post(c.path, c.form)

		if c.act == "" {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "This cannot be taken back.") || len(api.acts) > 0 {
				t.Errorf("%s answers %d, acts %q, want a question:\n%s", c.path, w.Code, api.acts, w.Body)
			}

			continue
		}

		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.location {
			t.Errorf("%s answers %d to %s, want %s", c.path, w.Code, w.Header().Get("Location"), c.location)
		}

		if len(api.acts) != 1 || api.acts[0] != c.act+" by ana" {
			t.Errorf("%s: acts %q, want %q", c.path, api.acts, c.act)
		}
	}
}

// TestPersonWithoutAConversation checks that a person can be erased and exported although the receiver has no state of the
// conversation, as after an erasure, or with quarantined messages alone.
func TestPersonWithoutAConversation(t *testing.T) {
	const page = sales + "/conversations/106:573001234567"

	api := &fakeAPI{}
	b := open(t, api)

	w := b.get(page + "?done=erase")
	for _, text := range []string{"The receiver has no state of this conversation.", "quarantined messages", "Erase once more", page + `/erase"`, page + `/export"`, "were erased"} {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), text) {
			t.Errorf("the page is answered %d without %q:\n%s", w.Code, text, w.Body)
		}
	}

	w = b.post(page+"/erase", url.Values{"confirm": {"yes"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != page+"?done=erase" || len(api.acts) != 1 {
		t.Errorf("the erasure is answered %d to %s, acts %q", w.Code, w.Header().Get("Location"), api.acts)
	}

	again := open(t, &fakeAPI{empty: true})

	w = again.post(page+"/erase", url.Values{"confirm": {"yes"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != page+"?done=erase-none" {
		t.Errorf("an erasure of nothing is answered %d to %s", w.Code, w.Header().Get("Location"))
	}

	w = again.get(w.Header().Get("Location"))
	if body := w.Body.String(); !strings.Contains(body, "Nothing is stored of this person") || strings.Contains(body, "may be stored") {
		t.Errorf("the page of an erasure of nothing is %d:\n%s", w.Code, body)
	}

	refusing := open(t, &fakeAPI{refusal: http.StatusNotFound})

	w = refusing.post(page+"/send", url.Values{"text": {"My words"}})
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), ">My words</textarea>") {
		t.Errorf("a text to the person is answered %d, and not kept:\n%s", w.Code, w.Body)
	}

	readOnly := open(t, &fakeAPI{readOnly: "you may not forward ports"})
	if body := readOnly.get(page).Body.String(); strings.Contains(body, page+"/erase") || !strings.Contains(body, page+"/export") {
		t.Errorf("the page of a person who may only look:\n%s", body)
	}
}

// TestReceiverAway checks that a page tries again by itself, and that an act does not, since it may have been done.
func TestReceiverAway(t *testing.T) {
	b := open(t, &fakeAPI{away: true})

	w := b.get(sales + "/conversations/abc")
	if page := w.Body.String(); w.Code != http.StatusBadGateway || !strings.Contains(page, "data-refresh") ||
		!strings.Contains(page, "cannot be reached") {
		t.Errorf("the page is %d:\n%s", w.Code, page)
	}

	w = b.post(sales+"/conversations/abc/send", url.Values{"text": {"My words"}})
	page := w.Body.String()

	for _, text := range []string{"cannot be reached", "may have been sent", ">My words</textarea>", `href="` + sales + `/conversations/abc"`} {
		if w.Code != http.StatusBadGateway || !strings.Contains(page, text) || strings.Contains(page, "data-refresh") {
			t.Errorf("the act is answered %d without %q:\n%s", w.Code, text, page)
		}
	}
}

func TestReadOnly(t *testing.T) {
	b := open(t, &fakeAPI{readOnly: "you may not forward ports"})

	for _, path := range []string{sales + "/conversations/abc", sales + "/dead-letters", sales + "/events/60bbaf80249612260d6228a2d4ad2be2"} {
		page := b.get(path).Body.String()
		if !strings.Contains(page, "you may not forward ports") {
			t.Errorf("%s does not say why nothing can be changed", path)
		}

		if strings.Count(page, `method="post"`) != 1 { // the choice of the language
			t.Errorf("%s offers acts:\n%s", path, page)
		}
	}
}

// TestReadOnlyRefusesActs checks that an act is refused even if no page offered it.
func TestReadOnlyRefusesActs(t *testing.T) {
	api := &fakeAPI{readOnly: "you may not forward ports"}
	b := open(t, api)

	for _, path := range []string{
		"/conversations/abc/take-over",
		"/conversations/abc/send",
		"/conversations/abc/erase",
		"/events/60bbaf80249612260d6228a2d4ad2be2/replay",
		"/dead-letters/discard",
		"/jobs/j1/cancel",
		"/doctor",
	} {
		w := b.post(sales+path, url.Values{"confirm": {"yes"}})
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Not done: you may not forward ports") {
			t.Errorf("%s answers %d:\n%s", path, w.Code, w.Body)
		}
	}

	if len(api.acts) > 0 {
		t.Errorf("the receiver was asked for %q", api.acts)
	}
}

// TestPolicy checks that a browser runs no script and loads nothing but what the console serves itself, on each kind of
// answer.
func TestPolicy(t *testing.T) {
	b := open(t, &fakeAPI{})

	for _, path := range []string{"/console/", sales + "/", sales + "/events/0000", "/console/assets/console.js"} {
		header := b.get(path).Header()

		policy := header.Get("Content-Security-Policy")
		for _, directive := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
		} {
			if !strings.Contains(policy, directive+";") && !strings.HasSuffix(policy, directive) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, directive)
			}
		}

		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy %q allows what stands in a page", path, policy)
		}

		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: the headers are %v", path, header)
		}
	}
}

func TestMissing(t *testing.T) {
	b := open(t, &fakeAPI{})

	for path, text := range map[string]string{
		"/console/r/messaging/other/": "There is no such resource",
		sales + "/events/0000":        "no such event",
		sales + "/conversations/xyz":  "no such event",
	} {
		if w := b.get(path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s answers %d:\n%s", path, w.Code, w.Body)
		}
	}
}

func TestDoctor(t *testing.T) {
	b := open(t, &fakeAPI{})

	if page := b.get(sales + "/doctor").Body.String(); !strings.Contains(page, "Run the checks") {
		t.Errorf("the page has no button:\n%s", page)
	}

	w := b.post(sales+"/doctor", nil)
	for _, text := range []string{"1 failures", "Meta finds the URL", "What to do: Fix the name"} {
		if page := w.Body.String(); !strings.Contains(page, text) || strings.Contains(page, hostile) {
			t.Errorf("the results do not show %q, or hold HTML:\n%s", text, page)
		}
	}
}

func TestExportIsStreamed(t *testing.T) {
	w := open(t, &fakeAPI{}).get(sales + "/conversations/abc/export")
	if w.Body.String() != `{"everything":true}` || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("the export is %q with %v", w.Body, w.Header())
	}
}

// TestRedirectsStayInTheConsole checks that a form cannot send the browser elsewhere.
func TestRedirectsStayInTheConsole(t *testing.T) {
	b := open(t, &fakeAPI{})

	for back, want := range map[string]string{
		"/console/r/messaging/sales/events?state=dead": "/console/r/messaging/sales/events?state=dead",
		"https://evil.example.com/console/":            "/console/",
		"//evil.example.com/console/":                  "/console/",
		"javascript:alert(1)":                          "/console/",
		"/other":                                       "/console/",
	} {
		w := b.post("/console/language", url.Values{"language": {"es"}, "back": {back}})
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("back to %q leads to %q, want %q", back, got, want)
		}
	}
}
