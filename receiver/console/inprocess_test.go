// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// TestInProcessContainsPanics checks that a handler that panics ends its own answer only, as under a server, and that the log
// has what a bug was without its data.
func TestInProcessContainsPanics(t *testing.T) {
	const text = "what a person wrote"

	bug := func() { panic(text) }
	abort := func() { panic(http.ErrAbortHandler) }

	for name, c := range map[string]struct {
		part   string // that is written first
		fails  func()
		logged bool
	}{
		"cut off within the answer":      {`{"events":[`, abort, false},
		"cut off before the answer":      {"", abort, false},
		"a bug within the answer":        {`{"events":[`, bug, true},
		"a bug before the answer":        {"", bug, true},
		"an error of the runtime itself": {"", func() { _ = strings.Fields(text)[99] }, true},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer

			api := InProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.part != "" {
					_, _ = io.WriteString(w, c.part)
				}

				c.fails()
			}), "", slog.New(slog.NewTextHandler(&log, nil)))

			response, err := api.send(t.Context(), http.MethodGet, "/events", nil)

			if c.part == "" {
				if known, ok := errors.AsType[*apiError](err); !ok || known.status != http.StatusInternalServerError || known.text == "" {
					t.Errorf("the error is %v, want the status 500 with a text", err)
				}
			} else {
				if err != nil {
					t.Fatal(err)
				}

				body, err := io.ReadAll(response.Body)
				if string(body) != c.part || err == nil {
					t.Errorf("the answer is %q, %v, want its part and an error", body, err)
				}

				_ = response.Body.Close()
			}

			if got := log.String(); strings.Contains(got, "stack=") != c.logged || strings.Contains(got, text) {
				t.Errorf("the log is %q, want a line without data: %v", got, c.logged)
			}
		})
	}
}

// TestInProcessWaits checks that a call may take as long as its handler is allowed to.
func TestInProcessWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := InProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			<-time.After(consoleapi.PersonTimeout) // the clock is that of synctest
			w.WriteHeader(http.StatusNoContent)
		}), "", slog.New(slog.DiscardHandler))

		if _, err := call[any](t.Context(), api, http.MethodDelete, "/conversations/abc", nil); err != nil {
			t.Error(err)
		}
	})
}

// TestInProcessEndsWithThePage checks that a handler learns that its answer is not read.
func TestInProcessEndsWithThePage(t *testing.T) {
	ended := make(chan error, 1)
	api := InProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, "the beginning")
		for err == nil {
			_, err = io.WriteString(w, "more")
		}

		ended <- err

		panic(http.ErrAbortHandler)
	}), "", slog.New(slog.DiscardHandler))

	response, err := api.send(t.Context(), http.MethodGet, "/events", nil)
	if err != nil {
		t.Fatal(err)
	}

	_ = response.Body.Close()

	if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the handler ends with %v", err)
	}
}

// TestInProcessCallerLeaves checks that a handler that stops because its caller has left gives no complete answer.
func TestInProcessCallerLeaves(t *testing.T) {
	for name, part := range map[string]string{
		"before the answer": "",
		"within the answer": `{"events":[`,
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 { // the call ends at the same time as the handler
				ctx, leave := context.WithCancel(t.Context())

				api := InProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if part != "" {
						_, _ = io.WriteString(w, part)
					}

					leave()
				}), "", slog.New(slog.DiscardHandler))

				if _, err := call[any](ctx, api, http.MethodGet, "/events", nil); !errors.Is(err, context.Canceled) {
					t.Fatalf("the call ends with %v, want that it was canceled", err)
				}
			}
		})
	}
}

// TestActor checks who is named in a call of the API: the person whom the tool knows, else at a receiver's own pages the one
// that the request for the page names. A page of the tool takes no name from a request: its port is not that of the API.
func TestActor(t *testing.T) {
	var got string

	named := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get(consoleapi.ActorHeader)

		w.WriteHeader(http.StatusNoContent)
	})

	remote := httptest.NewServer(named)
	t.Cleanup(remote.Close)

	log := slog.New(slog.DiscardHandler)

	for name, c := range map[string]struct {
		api    API
		header string
		want   string
	}{
		"own pages":                  {InProcess(named, "", log), "maria", "maria"},
		"own pages, no name":         {InProcess(named, "", log), "", ""},
		"a known actor":              {InProcess(named, "ana", log), "maria", "ana"},
		"pages of the tool":          {API{Client: remote.Client(), Base: remote.URL, Actor: "ana"}, "maria", "ana"},
		"pages of the tool, no name": {API{Client: remote.Client(), Base: remote.URL}, "maria", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got = "not called"
			web := servePages(t, &opened{api: c.api}, 0)

			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, web.URL+sales+"/conversations/abc/take-over", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}

			request.Header.Set(consoleapi.ActorHeader, c.header)

			response, err := web.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}

			_ = response.Body.Close()

			if got != c.want || response.StatusCode != http.StatusSeeOther {
				t.Errorf("the API is called by %q, the page answers %d, want %q", got, response.StatusCode, c.want)
			}
		})
	}
}
