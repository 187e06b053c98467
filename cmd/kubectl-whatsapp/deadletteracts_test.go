// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestDiscardAsksAgain lets the dead letters become more while the tool waits for an answer. The answer holds for those only
// that the question named, so the tool asks again.
func TestDiscardAsksAgain(t *testing.T) {
	var (
		mu    sync.Mutex
		calls []string
	)

	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()

		var body any

		switch expected := r.URL.Query().Get("expect"); {
		case r.Method == http.MethodGet && len(calls) == 0:
			body = map[string]any{"causes": []consoleapi.Cause{{Count: 3}}}
		case r.Method == http.MethodGet:
			body = map[string]any{"causes": []consoleapi.Cause{{Count: 3}, {Count: 2}}}
		case expected == "3":
			w.WriteHeader(http.StatusConflict)

			body = consoleapi.Grown{Error: "more events are selected than expected", Grown: 5}
		default:
			body = consoleapi.Job{ID: "J1", Kind: consoleapi.JobDiscard, State: consoleapi.JobDone, Done: 5}
		}

		if r.Method != http.MethodGet {
			calls = append(calls, r.URL.RequestURI())
		}

		_ = json.NewEncoder(w).Encode(body)
	}))
	defer receiver.Close()

	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}

	defer screen.Close()
	defer terminal.Close()

	ended := make(chan int, 1)
	shown := newWatched()

	go func() { _, _ = io.Copy(shown, screen) }()
	go func() {
		ended <- run(t.Context(), &global{
			name: "kubectl whatsapp",
			in:   terminal,
			out:  terminal,
			err:  terminal,
		}, []string{"dead-letters", "discard", "--all", "--address", receiver.URL})
	}()

	shown.waitFor(t, `Discard 3 dead letters\?`)
	fmt.Fprint(screen, "y\n")
	shown.waitFor(t, `There are more dead letters now\. Nothing was discarded\.[\s\S]*Discard 5 dead letters\?`)
	fmt.Fprint(screen, "y\n")

	if code := <-ended; code != 0 {
		t.Errorf("the exit code is %d", code)
	}

	shown.waitFor(t, `5 discarded\.`)

	mu.Lock()
	defer mu.Unlock()

	if diff := cmp.Diff([]string{"/v1/dead-letters/discard?expect=3&state=dead", "/v1/dead-letters/discard?expect=5&state=dead"}, calls); diff != "" {
		t.Errorf("calls of the receiver (-want +got):\n%s", diff)
	}
}

// TestInterruptedJobIsSaidToContinue presses Ctrl-C while the receiver starts a job, and while it works on it.
func TestInterruptedJobIsSaidToContinue(t *testing.T) {
	for interrupted, want := range map[string]string{
		http.MethodPost: "the receiver may have begun the replay",
		"/v1/jobs/J1":   "the replay continues in the receiver: 7 events are done",
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == interrupted || r.URL.Path == interrupted {
				interrupt()
				<-r.Context().Done() // the tool has gone

				return
			}

			var body any = consoleapi.Job{ID: "J1", Kind: consoleapi.JobReplay, State: consoleapi.JobRunning, Done: 7}
			if r.Method == http.MethodGet {
				body = consoleapi.CauseList{Causes: []consoleapi.Cause{{Count: 9}}}
			}

			_ = json.NewEncoder(w).Encode(body)
		}))

		got := runToolUntil(ctx, "dead-letters", "replay", "--all", "--address", receiver.URL)
		if got.code != output.CodeFailed || !strings.Contains(got.err, want) {
			t.Errorf("interrupted at %s: exit code %d, errors %q, want %q", interrupted, got.code, got.err, want)
		}

		receiver.Close()
		interrupt()
	}
}

// TestDiscardOfManyCauses checks that the tool does not ask for a number as that of all events if the receiver has not counted
// the events of all causes.
func TestDiscardOfManyCauses(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		causes := make([]consoleapi.Cause, store.MaxCauses)
		for i := range causes {
			causes[i].Count = 2
		}

		_ = json.NewEncoder(w).Encode(map[string]any{"causes": causes})
	}))
	defer receiver.Close()

	got := runTool(t, "dead-letters", "discard", "--all", "--address", receiver.URL)
	if got.code != output.CodeUsage || !strings.Contains(got.err, "Discard 1000 of at least 1000 dead letters?") {
		t.Errorf("a discard without a terminal and without --yes: %+v", got)
	}

	got = runTool(t, "dead-letters", "list", "--by-cause", "--address", receiver.URL)
	if got.code != 0 || !strings.Contains(got.err, "There may be more.") {
		t.Errorf("the list of the causes does not say that it is cut: %q", got.err)
	}
}

// TestStatesThatAreNotReplayable selects events by states whose events can be neither replayed nor discarded. No receiver is called.
func TestStatesThatAreNotReplayable(t *testing.T) {
	for state, want := range map[string]string{
		"pending":      "they wait or are being processed",
		"done":         "they were processed",
		"skipped":      "they are not to be answered",
		"discarded":    "they were discarded",
		"dead|pending": "--where state=pending selects events that can be neither replayed nor discarded",
		"ded":          "--where state=ded: there is no such state",
		"all|dead":     "--where state=all: there is no such state",
		"dead|":        "there is no such state",
	} {
		for _, command := range []string{"dead-letters list", "dead-letters replay", "quarantine discard"} {
			args := append(strings.Fields(command), "--where", "state="+state, "--address", "http://localhost:1")

			got := runTool(t, args...)
			if got.code != output.CodeUsage || !strings.Contains(got.err, want) || !strings.Contains(got.err, "Use dead, quarantined, human or expired") {
				t.Errorf("%s --where state=%s: exit code %d, errors %q, want %q", command, state, got.code, got.err, want)
			}
		}
	}
}

// TestSelectedEventsAreNamedByTheirState discards events in states other than that of the command.
func TestSelectedEventsAreNamedByTheirState(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(consoleapi.CauseList{Causes: []consoleapi.Cause{{Count: 3}}})
	}))
	defer receiver.Close()

	for args, want := range map[string]string{
		"dead-letters discard --all":                        "Discard 3 dead letters?",
		"dead-letters discard --where state=dead":           "Discard 3 dead letters?",
		"dead-letters discard --where state=human|expired":  "Discard 3 events in the state human or expired?",
		"quarantine discard --where state=dead":             "Discard 3 events in the state dead?",
		"quarantine discard --where state=all,kind=message": "Discard 3 unanswered events?",
	} {
		if got := runTool(t, append(strings.Fields(args), "--address", receiver.URL)...); !strings.Contains(got.err, want) {
			t.Errorf("%s: errors %q, want %q", args, got.err, want)
		}
	}
}
