// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestAuditLog checks that each act and each reveal is a line of the audit log, which names no person, and that nothing else
// is.
func TestAuditLog(t *testing.T) {
	letter := store.NewID(store.KindMessage, "0").String()

	for name, c := range map[string]struct {
		method, path string
		actor        string
		want         []string // nil: no line
	}{
		"a list":              {"GET", "/v1/dead-letters", "ana", nil},
		"one":                 {"GET", "/v1/dead-letters/" + letter, "ana", nil},
		"a reveal":            {"GET", "/v1/dead-letters/" + letter + "?reveal=true", "ana", []string{"act=reveal", "actor=ana", "event_id=" + letter, "status=200"}},
		"a bare path":         {"GET", "/dead-letters/" + letter, "", []string{"act=reveal", "actor=unknown"}},
		"an act":              {"POST", "/v1/dead-letters/" + letter + "/replay", "ana", []string{"act=replay", "event_id=" + letter}},
		"an act that fails":   {"POST", "/v1/conversations/42:573001234567/take-over", "ana", []string{`act="take over"`, "status=404", "conversation="}},
		"a forged actor":      {"DELETE", "/v1/jobs/x", "an\na\x1b[31m" + strings.Repeat("x", 1000), []string{"actor=ana[31mxxx"}},
		"an id of no event":   {"DELETE", "/v1/dead-letters/573001234567", "ana", []string{"act=discard", "status=400"}},
		"no conversation":     {"GET", "/v1/conversations/573001234567?reveal=true", "ana", []string{"act=reveal", "conversation=unknown"}},
		"reveal of something": {"GET", "/v1/jobs", "ana", nil},
	} {
		t.Run(name, func(t *testing.T) {
			inbox := openStore(t)
			addDeadLetters(t, inbox, 1)

			console := newTestConsole(t, inbox)
			console.call(c.method, c.path, ActorHeader, c.actor)

			var lines []string

			for logged := range strings.Lines(console.log.String()) {
				if strings.Contains(logged, "event=audit") {
					lines = append(lines, logged)
				}
			}

			line := strings.Join(lines, "")
			if c.want == nil && len(lines) != 0 || c.want != nil && len(lines) != 1 {
				t.Errorf("the audit log is %q, want a line: %v", line, c.want != nil)
			}

			for _, want := range c.want {
				if !strings.Contains(line, want) {
					t.Errorf("the line %q lacks %q", line, want)
				}
			}

			if strings.Contains(line, "573001234567") || len(line) > 600 {
				t.Errorf("the line has %d bytes or names a person: %q", len(line), line)
			}
		})
	}
}

// TestAuditLogAfterPanic checks that an act that ended in a panic is not recorded as done.
func TestAuditLogAfterPanic(t *testing.T) {
	console := newTestConsole(t, &fakeStore{}) // which cannot erase, and panics

	func() {
		defer func() { _ = recover() }()

		console.call(http.MethodDelete, "/v1/conversations/42:573001234567")
	}()

	if log := console.log.String(); !strings.Contains(log, "act=erase") || !strings.Contains(log, "status=500") {
		t.Errorf("the log is %q", log)
	}
}

func TestParametersAreChecked(t *testing.T) {
	console := newTestConsole(t, openStore(t))

	for _, path := range []string{
		"/v1/events?nummer=42", "/v1/events?state=gone", "/v1/events?before=x", "/v1/events?before=-1", "/v1/events?limit=x",
		"/v1/events?conversation=x", "/v1/events?received_after=yesterday", "/v1/events?reveal=yes",
		"/v1/conversations?state=gone", "/v1/conversations?after=x", "/v1/conversations?state=waiting&after=x", "/v1/conversations/42:1?limit=1",
	} {
		if code, body := console.call(http.MethodGet, path); code != http.StatusBadRequest {
			t.Errorf("GET %s = %d %s, want 400", path, code, body)
		}
	}

	for _, path := range []string{"/v1/events/00000000000000000000000000000000", "/v1/conversations/42:1", "/v1/conversations/unknown"} {
		if code, body := console.call(http.MethodGet, path); code != http.StatusNotFound {
			t.Errorf("GET %s = %d %s, want 404", path, code, body)
		}
	}
}

func TestMasked(t *testing.T) {
	for name, want := range map[string]string{
		"106540352242922:573001234567":      "…4567",
		"106540352242922:CO.13491208655302": "…5302",
		"106540352242922:group:Y2FwaV9n":    "…aV9n",
		"106540352242922:12345678":          "…",
		"106540352242922:ñandúñandúñ":       "…ndúñ",
		"106540352242922:":                  "…",
		"x":                                 "…",
	} {
		if got := masked(name); got != want {
			t.Errorf("masked(%q) = %q, want %q", name, got, want)
		}
	}
}
