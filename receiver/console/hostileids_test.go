// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"
)

// elsewhere is an id by which a page of a resource would lead to another resource: with replay behind it, to the replay of all its
// dead letters.
const elsewhere = "../../../victim/sales/dead-letters"

// hostileAPI is a receiver that others control, whose ids lead elsewhere.
type hostileAPI struct{ fakeAPI }

func (h *hostileAPI) Open(context.Context, string, string) (API, error) {
	return InProcess(http.HandlerFunc(h.serve), "ana", slog.New(slog.DiscardHandler)), nil
}

func (h *hostileAPI) serve(w http.ResponseWriter, r *http.Request) {
	recorder := httptest.NewRecorder()
	h.fakeAPI.serve(recorder, r)

	var body any
	if err := json.Unmarshal(recorder.Body.Bytes(), &body); err != nil {
		http.Error(w, recorder.Body.String(), recorder.Code)
		return
	}

	_ = json.NewEncoder(w).Encode(withHostileIDs("", body))
}

func withHostileIDs(key string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name := range value {
			value[name] = withHostileIDs(name, value[name])
		}
	case []any:
		for i := range value {
			value[i] = withHostileIDs(key, value[i])
		}
	case string:
		if slices.Contains([]string{"id", "conversation", "event", "changes", "coalesced_with", "sample"}, key) {
			return elsewhere
		}

		if key == "trace_url" {
			return "javascript:alert(1)"
		}
	}

	return value
}

var address = regexp.MustCompile(`(?:href|action)="([^"]*)"`)

// TestIDsStayWithinTheResource resolves the addresses of pages as a browser does. A receiver that others control cannot make a person
// change another resource, and no link of it runs a script.
func TestIDsStayWithinTheResource(t *testing.T) {
	handler, err := New(Dependencies{
		Source: &hostileAPI{},
		Clock:  clockwork.NewFakeClockAt(now),
		Log:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}

	b := browser{t: t, handler: handler}

	for _, path := range []string{
		sales + "/conversations",
		sales + "/conversations/abc",
		sales + "/conversations/106:573001234567",
		sales + "/conversations/106:573001234567%2F" + url.PathEscape(elsewhere),
		sales + "/events",
		sales + "/events/60bbaf80249612260d6228a2d4ad2be2",
		sales + "/dead-letters",
		sales + "/jobs/j1",
	} {
		page := b.get(path)
		base := &url.URL{Scheme: "http", Host: "localhost", Path: path}
		links := 0

		for _, match := range address.FindAllStringSubmatch(page.Body.String(), -1) {
			link, err := base.Parse(html.UnescapeString(match[1]))
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}

			if link.Scheme == "javascript" {
				t.Errorf("%s has a link that runs a script: %s", path, link)
			}

			if strings.HasPrefix(link.EscapedPath(), sales+"/") {
				links++
			} else if strings.HasPrefix(link.EscapedPath(), resourcePrefix) {
				t.Errorf("%s leads to %s", path, link)
			}
		}

		if links == 0 {
			t.Errorf("%s answers %d without a link:\n%s", path, page.Code, page.Body)
		}
	}
}
