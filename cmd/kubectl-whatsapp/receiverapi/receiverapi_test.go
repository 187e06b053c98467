// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiverapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()

	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)

	return &Client{
		HTTP:  web.Client(),
		URL:   web.URL,
		Actor: "ana",
	}
}

func TestCallsHaveActorFilterAndReveal(t *testing.T) {
	var got string

	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.URL.String() + " " + r.Header.Get("Whatsapp-Actor")

		fmt.Fprint(w, `{"events":[]}`)
	})
	client.Reveal = true

	filter := Filter{
		States:        []string{"dead", "human"},
		Code:          "131026",
		ReceivedAfter: time.Date(2026, 11, 23, 6, 49, 0, 0, time.UTC),
	}
	if _, err := client.Events(t.Context(), filter, 7, 20); err != nil {
		t.Fatal(err)
	}

	want := "GET /v1/events?before=7&code=131026&limit=20&received_after=2026-11-23T06%3A49%3A00Z&reveal=true&state=dead%2Chuman ana"
	if got != want {
		t.Errorf("called %s, want %s", got, want)
	}

	if _, err := client.Conversation(t.Context(), "42:573001234567"); err != nil || !strings.HasPrefix(got, "GET /v1/conversations/42:573001234567?") {
		t.Errorf("called %s, %v", got, err)
	}
}

func TestErrorsOfTheReceiver(t *testing.T) {
	for status, want := range map[int]struct {
		body string
		code int
		text string
		fix  string
	}{
		http.StatusBadRequest:         {"limit is not a number\n", output.CodeUsage, "limit is not a number", ""},
		http.StatusForbidden:          {"use localhost", output.CodeUnreachable, "use localhost", "Call the receiver as localhost."},
		http.StatusNotFound:           {"404 page not found\n", output.CodeFailed, "of a version without this call", "Upgrade the operator"},
		http.StatusServiceUnavailable: {"the store is unavailable", output.CodeUnreachable, "the store is unavailable", "status and logs"},
		http.StatusBadGateway:         {"", output.CodeUnreachable, "the receiver answered 502 Bad Gateway", "status and logs"},
		http.StatusGatewayTimeout:     {"", output.CodeUnreachable, "the receiver answered 504 Gateway Timeout", "status and logs"},
		http.StatusConflict:           {"", output.CodeFailed, "the receiver answered 409 Conflict", ""},
	} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, want.body)
		})

		_, err := client.Event(t.Context(), "x")

		known, ok := errors.AsType[*output.Error](err)
		if !ok || known.Code != want.code || !strings.Contains(err.Error(), want.text) || !strings.Contains(known.Fix, want.fix) || !HasStatus(err, status) {
			t.Errorf("%d: %#v, want %+v", status, err, want)
		}
	}

	client := serve(t, func(http.ResponseWriter, *http.Request) {})
	client.URL = "http://127.0.0.1:1"

	if _, err := client.Event(t.Context(), "x"); output.ExitCode(err) != output.CodeUnreachable || strings.Contains(err.Error(), "Get ") {
		t.Errorf("a receiver that is away: %v", err)
	}
}

// TestAnswerThatBreaksOff checks that a receiver that ends during its answer counts as unreachable: commands that watch
// continue then.
func TestAnswerThatBreaksOff(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, `{"events":[`)
		_ = http.NewResponseController(w).Flush()

		panic(http.ErrAbortHandler)
	})

	_, listErr := client.Events(t.Context(), Filter{}, 0, 10)
	_, eraseErr := client.Erase(t.Context(), "abc")

	for _, test := range []struct {
		err error
		fix string
	}{
		{listErr, "Try again."},
		{eraseErr, "Look at what it changed"},
	} {
		known, ok := errors.AsType[*output.Error](test.err)
		if !ok || known.Code != output.CodeUnreachable || !strings.Contains(known.Fix, test.fix) {
			t.Errorf("%#v, want an unreachable receiver with the fix %q", test.err, test.fix)
		}
	}
}

func TestBulk(t *testing.T) {
	total := int64(3)
	job := func(state consoleapi.JobState, done int64) consoleapi.Job {
		return consoleapi.Job{
			ID:    "J1",
			Kind:  consoleapi.JobReplay,
			State: state,
			Total: &total,
			Done:  done,
		}
	}

	type answer struct {
		status int
		job    consoleapi.Job
	}

	for name, test := range map[string]struct {
		answers []answer // to the start, and then to each look
		want    string   // in the error
		shown   []int64  // the progress
	}{
		"at once":         {[]answer{{200, job(consoleapi.JobDone, 3)}}, "", nil},
		"after a while":   {[]answer{{202, job(consoleapi.JobRunning, 1)}, {200, job(consoleapi.JobRunning, 2)}, {200, job(consoleapi.JobDone, 3)}}, "", []int64{1, 2}},
		"another one":     {[]answer{{409, job(consoleapi.JobRunning, 2)}}, "a job of this kind runs already: 2 events are done", nil},
		"failed at once":  {[]answer{{503, job(consoleapi.JobFailed, 1)}}, "ended as failed after 1 events", nil},
		"failed later":    {[]answer{{202, job(consoleapi.JobRunning, 0)}, {200, job(consoleapi.JobFailed, 1)}}, "ended as failed after 1 events", []int64{0}},
		"receiver is new": {[]answer{{202, job(consoleapi.JobRunning, 1)}, {404, consoleapi.Job{}}}, "the receiver that ran the job J1 went away", []int64{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			calls := 0
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				want := "GET /v1/jobs/J1"
				if calls == 0 {
					want = "POST /v1/dead-letters/replay"
				}

				if got := r.Method + " " + r.URL.Path; got != want {
					t.Errorf("called %s, want %s", got, want)
				}

				w.WriteHeader(test.answers[calls].status)
				_ = json.NewEncoder(w).Encode(test.answers[calls].job)
				calls++
			})

			var shown []int64

			got, err := client.Bulk(t.Context(), consoleapi.JobReplay, Filter{}, nil, func(job consoleapi.Job) { shown = append(shown, job.Done) })
			if test.want == "" && (err != nil || got.Done != 3) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%+v, %v, want the error %q", got, err, test.want)
			}

			if diff := cmp.Diff(test.shown, shown); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOlderReceiver calls a receiver that does not know a parameter.
func TestOlderReceiver(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, key := range []string{"expect", "kind"} {
			if r.URL.Query().Has(key) {
				http.Error(w, fmt.Sprintf("unknown parameter %q, want one of state, number, code, reveal", key), http.StatusBadRequest)

				return
			}
		}

		_ = json.NewEncoder(w).Encode(consoleapi.Job{State: consoleapi.JobDone, Done: 3})
	})
	discard := func(expected *int64) (consoleapi.Job, error) {
		return client.Bulk(t.Context(), consoleapi.JobDiscard, Filter{}, expected, func(consoleapi.Job) {})
	}

	_, listErr := client.Causes(t.Context(), Filter{Kind: "message"})
	_, discardErr := discard(new(int64(3)))

	for _, test := range []struct {
		err       error
		text, fix string
	}{
		{listErr, `the receiver is older than this tool: unknown parameter "kind"`, "Upgrade the operator"},
		{discardErr, "nothing was discarded", "or pass --yes"},
	} {
		known, ok := errors.AsType[*output.Error](test.err)
		if !ok || known.Code != output.CodeFailed || !strings.Contains(known.Error(), test.text) || !strings.Contains(known.Fix, test.fix) {
			t.Errorf("%#v, want %q and %q", test.err, test.text, test.fix)
		}
	}

	if job, err := discard(nil); err != nil || job.Done != 3 {
		t.Errorf("a discard without a question: %+v, %v", job, err)
	}
}

// lateAnswer is a transport whose answers come as late as the receiver allows.
type lateAnswer struct{}

func (lateAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(consoleapi.PersonTimeout):
		body := io.NopCloser(strings.NewReader(`{"events":1,"remains":["backups"]}`))

		return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// TestErasureMayTakeLong checks that the tool waits for the receiver, which reads its whole store to erase a person.
func TestErasureMayTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &Client{HTTP: &http.Client{Transport: lateAnswer{}}, URL: "http://localhost:9091"}

		erased, err := client.Erase(t.Context(), "abc")
		if err != nil || erased.Events != 1 || len(erased.Remains) != 1 {
			t.Errorf("Erase returned %+v, %v", erased, err)
		}
	})
}
