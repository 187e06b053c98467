// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// takeOverTerminal are control characters by which a text could take over a terminal, or show itself in another order.
const takeOverTerminal = "\x1b]0;title\a\x9b2J\u009b2J\u202e\r\nforged"

// TestTextsOfReceiversAreNoControls lets a receiver put control characters into every text of its answers, as that of a tenant can.
// No command writes them to the terminal, and no text begins a line.
func TestTextsOfReceiversAreNoControls(t *testing.T) {
	r := openReceiver(t)

	answered, dead := r.answerAndFail(t)
	hostile := serveHostile(t, "http://"+r.Local.ConsoleAddr())

	for _, args := range [][]string{
		{"status"},
		{"events"},
		{"events", "--reveal"},
		{"events", answered.ID},
		{"events", answered.ID, "--reveal"},
		{"events", dead.ID, "--reveal"},
		{"events", "unknown"},
		{"conversations", "list", "--reveal"},
		{"conversations", "show", answered.Conversation},
		{"conversations", "show", answered.Conversation, "--reveal"},
		{"conversations", "takeover", answered.Conversation},
		{"conversations", "give-back", answered.Conversation},
		{"conversations", "export", answered.Conversation},
		{"dead-letters", "list"},
		{"dead-letters", "list", "--by-cause"},
		{"dead-letters", "show", dead.ID, "--reveal"},
		{"dead-letters", "replay", dead.ID},
		{"dead-letters", "replay", "--all"},
		{"dead-letters", "discard", "--all", "--yes"},
		{"quarantine", "list"},
		{"doctor"},
		{"conversations", "erase", answered.Conversation, "--yes"},
		{"backup", "--file", filepath.Join(t.TempDir(), "copy.db")},
	} {
		for _, format := range [][]string{nil, {"-o", "json"}, {"-o", "yaml"}} {
			command := slices.Concat(args, format, []string{"--address", hostile})
			got := runTool(t, command...)

			isDocument := format != nil || slices.Contains(args, "export")

			for _, text := range []string{got.out, got.err} {
				if i := strings.IndexFunc(text, func(r rune) bool { return isControl(r, isDocument) }); i >= 0 {
					t.Errorf("%v writes %q", command, text[max(i-60, 0):min(i+30, len(text))])
				}

				if strings.Contains(text, "\nforged") {
					t.Errorf("%v lets a text begin a line:\n%s", command, text)
				}
			}
		}
	}
}

// isControl reports whether a character is one by which a text could take over a terminal. A document may contain those that set
// the direction of a text.
func isControl(r rune, isDocument bool) bool {
	return r != '\n' && unicode.IsControl(r) || !isDocument && unicode.Is(unicode.Bidi_Control, r)
}

// serveHostile passes calls on to a receiver, and adds control characters to each text of its answers.
func serveHostile(t *testing.T, receiver string) string {
	t.Helper()

	target, err := url.Parse(receiver)
	if err != nil {
		t.Fatal(err)
	}

	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(response *http.Response) error {
			body, err := io.ReadAll(response.Body)
			if err != nil {
				return err
			}

			var document any
			if json.Unmarshal(body, &document) == nil {
				body, err = json.Marshal(withControls(document))
			} else {
				body = append(body, takeOverTerminal...)
			}

			response.Body = io.NopCloser(bytes.NewReader(body))
			response.ContentLength = -1
			response.Header.Del("Content-Length")

			return err
		},
	}

	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)

	return server.URL
}

func withControls(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			if key != "next" { // of a page
				value[key] = withControls(value[key])
			}
		}
	case []any:
		for i := range value {
			value[i] = withControls(value[i])
		}
	case string:
		if _, err := time.Parse(time.RFC3339Nano, value); err != nil {
			return value + takeOverTerminal
		}
	}

	return value
}

// TestListsThatDoNotEnd lets a receiver answer each page of a list with one that is empty and says where to continue.
func TestListsThatDoNotEnd(t *testing.T) {
	var asked atomic.Int64

	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next := `5`

		switch n := asked.Add(1); {
		case n > maxEmptyPages+10:
			http.Error(w, "asked for ever", http.StatusTeapot)
			return
		case strings.HasSuffix(r.URL.Path, "/conversations"):
			next = `"5"`
		case r.URL.Query().Get("kind") == "further":
			next = strconv.FormatInt(math.MaxInt64-n, 10)
		}

		fmt.Fprintf(w, `{"events":[],"conversations":[],"dead_letters":[],"next":%s}`, next)
	}))
	defer receiver.Close()

	for _, args := range [][]string{
		{"events"},
		{"events", "--where", "kind=further"},
		{"conversations", "list"},
		{"dead-letters", "list"},
	} {
		asked.Store(0)

		got := runTool(t, append(args, "--address", receiver.URL)...)
		if got.code != output.CodeFailed || !strings.Contains(got.err, "does not end") {
			t.Errorf("%v: exit code %d, errors %q", args, got.code, got.err)
		}
	}
}

// TestIncompleteExport warns of events that a receiver could not read.
func TestIncompleteExport(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"events":[],"not_read":{"events":3,"reasons":["key 0a0b0c0d is missing"]}}`)
	}))
	defer receiver.Close()

	got := runTool(t, "conversations", "export", "ID", "--address", receiver.URL)
	if got.code != 0 || !strings.Contains(got.err, "could not read 3 events: key 0a0b0c0d is missing") {
		t.Errorf("exit code %d, errors %q", got.code, got.err)
	}
}
