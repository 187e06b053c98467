// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// opened is a source with one API.
type opened struct {
	fakeAPI
	api API
}

func (o *opened) Open(context.Context, string, string) (API, error) { return o.api, nil }

// servePages serves the pages of a source by a real server, as a receiver and the tool do.
func servePages(t *testing.T, source Source, writeTimeout time.Duration) *httptest.Server {
	t.Helper()

	pages, err := New(Dependencies{
		Source: source,
		Clock:  clockwork.NewFakeClockAt(now),
		Log:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}

	web := httptest.NewUnstartedServer(pages)
	web.Config.WriteTimeout = writeTimeout
	web.Start()
	t.Cleanup(web.Close)

	web.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	return web
}

// TestBrokenExportFails checks that the browser does not take a part of an export for all of it, neither from a receiver's
// own pages nor from those of the tool.
func TestBrokenExportFails(t *testing.T) {
	breaks := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"events":[`+strings.Repeat(" ", 64<<10))
		_ = http.NewResponseController(w).Flush()

		panic(http.ErrAbortHandler)
	})

	remote := httptest.NewServer(breaks)
	t.Cleanup(remote.Close)

	for name, api := range map[string]API{
		"own pages":         InProcess(breaks, "", slog.New(slog.DiscardHandler)),
		"pages of the tool": {Client: remote.Client(), Base: remote.URL + "/v1"},
	} {
		t.Run(name, func(t *testing.T) {
			web := servePages(t, &opened{api: api}, 0)

			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+sales+"/conversations/abc/export", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}

			response, err := web.Client().Do(request)
			if err != nil {
				return
			}
			defer response.Body.Close()

			if body, err := io.ReadAll(response.Body); err == nil {
				t.Errorf("the export ends without an error after %d bytes", len(body))
			}
		})
	}
}

// TestSlowPages checks that a page is not lost if the server's time to write an answer is over before the API has answered.
func TestSlowPages(t *testing.T) {
	web := servePages(t, &fakeAPI{}, time.Nanosecond) // over before a page begins
	yes := url.Values{"confirm": {"yes"}}

	for _, c := range []struct {
		path   string
		form   url.Values // nil to look
		status int
	}{
		{"/console/", nil, http.StatusOK},
		{"/console/assets/console.js", nil, http.StatusOK},
		{sales + "/conversations/abc", nil, http.StatusOK},
		{sales + "/conversations/abc/export", nil, http.StatusOK},
		{sales + "/conversations/abc/erase", yes, http.StatusSeeOther},
		{sales + "/dead-letters/replay", yes, http.StatusSeeOther},
		{sales + "/doctor", yes, http.StatusOK},
		{sales + "/events/0000", nil, http.StatusNotFound},
	} {
		method, body := http.MethodGet, ""
		if c.form != nil {
			method, body = http.MethodPost, c.form.Encode()
		}

		request, err := http.NewRequestWithContext(t.Context(), method, web.URL+c.path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}

		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")

		response, err := web.Client().Do(request)
		if err != nil {
			t.Errorf("%s is lost: %v", c.path, err)
			continue
		}

		page, err := io.ReadAll(response.Body)
		if response.StatusCode != c.status || err != nil {
			t.Errorf("%s answers %d, %v, want %d:\n%s", c.path, response.StatusCode, err, c.status, page)
		}

		_ = response.Body.Close()
	}
}
