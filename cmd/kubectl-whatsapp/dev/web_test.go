// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestOnlyThePageMayCall(t *testing.T) {
	f := start(t, Options{})
	body := jsonOf(t, NewMessage{
		Person: f.person(),
		Type:   TypeText,
		Text:   "hello",
	})

	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"the page": {
			change: func(r *http.Request) {
				r.Header.Set("Origin", f.server.URL())
				r.Header.Set("Sec-Fetch-Site", "same-origin")
			},
			want: http.StatusCreated,
		},
		"a program":                    {want: http.StatusCreated},
		"another name of this machine": {change: func(r *http.Request) { r.Host = "rebound.example:" + f.server.port() }, want: http.StatusMisdirectedRequest},
		"another port":                 {change: func(r *http.Request) { r.Host = "localhost:1" }, want: http.StatusMisdirectedRequest},
		"another site": {
			change: func(r *http.Request) {
				r.Header.Set("Origin", "https://evil.example")
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			},
			want: http.StatusForbidden,
		},
		"a form": {
			change: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
			want:   http.StatusUnsupportedMediaType,
		},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL()+"/api/messages", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}

		request.Header.Set("Content-Type", "application/json")

		if c.change != nil {
			c.change(request)
		}

		if got := f.do(request, nil); got != c.want {
			t.Errorf("%s: answered %d, want %d", name, got, c.want)
		}
	}
}

func TestHeadersOfThePage(t *testing.T) {
	f := start(t, Options{})

	response, err := f.client.Get(f.server.URL() + "/")
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = response.Body.Close() }()

	policy := response.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'self';") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}

	if response.StatusCode != http.StatusOK || response.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("answered %d with %v", response.StatusCode, response.Header)
	}
}

// A file of a person must not run as a part of the page.
func TestFilesAreHarmless(t *testing.T) {
	f := start(t, Options{})
	sent, _ := f.upload(TypeDocument, "x.html", "text/html", "", []byte("<script>alert(1)</script>"))

	response, err := f.client.Get(f.server.URL() + sent.Media.URL)
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = response.Body.Close() }()

	if policy := response.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "sandbox") {
		t.Errorf("the policy is %q", policy)
	}

	f.answer()
}

func TestInvalidRequestsAreRefused(t *testing.T) {
	f := start(t, Options{})
	person := f.person()

	for name, c := range map[string]struct {
		path string
		body any
		want int
	}{
		"an unknown person":   {"/api/messages", NewMessage{Person: "p99", Type: TypeText, Text: "x"}, http.StatusNotFound},
		"an empty text":       {"/api/messages", NewMessage{Person: person, Type: TypeText}, http.StatusUnprocessableEntity},
		"a long text":         {"/api/messages", NewMessage{Person: person, Type: TypeText, Text: strings.Repeat("x", maxText+1)}, http.StatusUnprocessableEntity},
		"an unknown type":     {"/api/messages", NewMessage{Person: person, Type: "hologram"}, http.StatusUnprocessableEntity},
		"no place":            {"/api/messages", NewMessage{Person: person, Type: TypeLocation}, http.StatusUnprocessableEntity},
		"no contact":          {"/api/messages", NewMessage{Person: person, Type: TypeContacts}, http.StatusUnprocessableEntity},
		"an unknown field":    {"/api/messages", map[string]string{"persona": person}, http.StatusUnprocessableEntity},
		"an unknown quote":    {"/api/messages", NewMessage{Person: person, Type: TypeText, Text: "x", ReplyTo: "y"}, http.StatusNotFound},
		"a large body":        {"/api/messages", NewMessage{Person: person, Text: strings.Repeat("x", maxRequest)}, http.StatusRequestEntityTooLarge},
		"a name too long":     {"/api/people", NewPerson{Name: strings.Repeat("x", maxName+1)}, http.StatusUnprocessableEntity},
		"a number of letters": {"/api/people", NewPerson{Name: "Eva", Number: "x"}, http.StatusUnprocessableEntity},
		"a clock set back":    {"/api/clock", Advance{Advance: "-1h"}, http.StatusUnprocessableEntity},
	} {
		if got := f.call(http.MethodPost, c.path, c.body, nil); got != c.want {
			t.Errorf("%s: answered %d, want %d", name, got, c.want)
		}
	}
}

func TestStreamResumesAndStartsOver(t *testing.T) {
	f := start(t, Options{})
	before := f.state().LastEventID

	f.text("hello")
	f.answer()

	for last, want := range map[string]string{
		fmt.Sprint(before):     StreamMessage, // what was missed
		fmt.Sprint(before - 7): StreamReset,   // of an earlier server
		"99999999999999":       StreamReset,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.server.URL()+"/api/stream", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}

		request.Header.Set("Last-Event-ID", last)

		response, err := f.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}

		lines := bufio.NewScanner(response.Body)
		lines.Scan()
		lines.Scan()

		if got := lines.Text(); got != "event: "+want {
			t.Errorf("after %s: %q, want %s", last, got, want)
		}

		_ = response.Body.Close()
	}
}

func TestStreamIsBounded(t *testing.T) {
	s := newStream(time.Now())
	for range maxReaders {
		if !s.join() {
			t.Fatal("a reader was refused")
		}
	}

	if s.join() {
		t.Error("there is no limit of readers")
	}

	first := s.lastID()

	for range maxStreamEvents + 10 {
		s.publish(StreamTrace, Trace{})
	}

	if len(s.events) != maxStreamEvents {
		t.Errorf("%d events are kept", len(s.events))
	}

	if events, _, _ := s.after(first); len(events) != 1 || events[0].name != StreamReset {
		t.Errorf("a reader that missed events gets %d", len(events))
	}
}
