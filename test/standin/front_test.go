// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
)

// countingHandler is a Front around a handler that counts its effects.
type countingHandler struct {
	*Front
	http.Handler
	effects *Log[string]
}

func newCountingHandler() *countingHandler {
	s := &countingHandler{
		Front:   NewFront(NewRecorder(100), 1<<20),
		effects: newLog(100, func(string) int { return 0 }),
	}
	s.Handler = s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}

		s.effects.add(string(body))
		w.Header().Set("X-Handler", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "0123456789")
	}))

	return s
}

func TestFaultOutcomes(t *testing.T) {
	type outcome struct {
		Status  int
		Body    string
		Retry   string
		Broken  bool
		Effects uint64
		Record  Call
	}
	for _, tc := range []struct {
		name  string
		fault *Fault
		want  outcome
	}{
		{name: "none", want: outcome{
			Status:  202,
			Body:    "0123456789",
			Effects: 1,
			Record:  Call{Status: 202},
		}},
		{
			name: "status",
			fault: &Fault{
				Status:     503,
				Body:       "down",
				RetryAfter: "7",
			},
			want: outcome{
				Status: 503,
				Body:   "down",
				Retry:  "7",
				Record: Call{Status: 503, Fault: "status 503"},
			},
		},
		{
			name:  "status after the effect",
			fault: &Fault{Status: 500, AfterEffect: true},
			want: outcome{
				Status:  500,
				Effects: 1,
				Record:  Call{Status: 500, Fault: "after effect, status 500"},
			},
		},
		{
			name:  "delay",
			fault: &Fault{Delay: time.Millisecond},
			want: outcome{
				Status:  202,
				Body:    "0123456789",
				Effects: 1,
				Record:  Call{Status: 202, Fault: "delay 1ms"},
			},
		},
		{
			name:  "delay after the effect",
			fault: &Fault{Delay: time.Millisecond, AfterEffect: true},
			want: outcome{
				Status:  202,
				Body:    "0123456789",
				Effects: 1,
				Record:  Call{Status: 202, Fault: "after effect, delay 1ms"},
			},
		},
		{
			name:  "cut before",
			fault: &Fault{Cut: CutBefore},
			want:  outcome{Broken: true, Record: Call{Fault: "cut before"}},
		},
		{
			name:  "cut after",
			fault: &Fault{Cut: CutAfter},
			want: outcome{
				Broken:  true,
				Effects: 1,
				Record:  Call{Fault: "cut after"},
			},
		},
		{
			name:  "cut in the handler's body",
			fault: &Fault{Cut: CutMidBody},
			want: outcome{
				Status:  202,
				Body:    "01234",
				Broken:  true,
				Effects: 1,
				Record:  Call{Status: 202, Fault: "cut midbody"},
			},
		},
		{
			name: "cut in the fault's body",
			fault: &Fault{
				Cut:    CutMidBody,
				Status: 429,
				Body:   "slow down",
			},
			want: outcome{
				Status: 429,
				Body:   "slow",
				Broken: true,
				Record: Call{Status: 429, Fault: "status 429, cut midbody"},
			},
		},
		{
			name:  "cut in no body",
			fault: &Fault{Cut: CutMidBody, Status: 500},
			want:  outcome{Broken: true, Record: Call{Fault: "status 500, cut midbody"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newCountingHandler()

			url, client := start(t, s)
			if tc.fault != nil {
				tc.fault.Times = 1
				s.Faults.Add(*tc.fault)
			}

			var got outcome

			response, err := client.Do(request(t, http.MethodPost, url+"/x?a=b", "hello", "Authorization", "Bearer t"))

			got.Broken = err != nil
			if err == nil {
				body, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				got.Status = response.StatusCode
				got.Body = string(body)
				got.Retry = response.Header.Get("Retry-After")
				got.Broken = err != nil
			}

			got.Effects = s.effects.Total()

			calls := s.Recorder.Calls()
			if len(calls) != 1 {
				t.Fatalf("%d calls recorded, want 1", len(calls))
			}

			call := calls[0]

			got.Record = Call{Status: call.Status, Fault: call.Fault}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}

			if string(call.Body) != "hello" || call.BodySize != 5 || call.Query.Get("a") != "b" ||
				call.Header.Get("Authorization") != "Bearer t" {
				t.Errorf("recorded call %+v", call)
			}

			if status, _ := do(t, client, request(t, http.MethodPost, url+"/x", "again")); status != 202 {
				t.Errorf("the call after the fault was answered %d, want 202", status)
			}
		})
	}
}

func TestHangEndsWithClientOrFront(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fault   Fault
		effects uint64
	}{
		{name: "hang", fault: Fault{Hang: true}},
		{name: "hang after the effect", fault: Fault{Hang: true, AfterEffect: true}, effects: 1},
		{name: "long delay", fault: Fault{Delay: time.Hour}},
	} {
		for _, end := range []string{"client disconnected", "closed"} {
			t.Run(tc.name+", "+end, func(t *testing.T) {
				s := newCountingHandler()
				clock := clockwork.NewFakeClock()
				s.Clock = clock
				url, client := start(t, s)
				s.Faults.Add(tc.fault)

				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()

				answered := make(chan error, 1)

				r := request(t, http.MethodPost, url+"/x", "hello").WithContext(ctx)
				go func() {
					response, err := client.Do(r)
					if err == nil {
						err = response.Body.Close()
					}

					answered <- err
				}()

				var err error
				if tc.fault.Hang {
					err = s.Recorder.WaitTotal(t.Context(), 1)
				} else {
					err = clock.BlockUntilContext(t.Context(), 1)
				}

				if err != nil {
					t.Fatal(err)
				}

				if end == "closed" {
					s.Close()
				} else {
					cancel()
				}

				if err := <-answered; err == nil {
					t.Error("the call was answered")
				}

				if tc.fault.Hang {
					if got := s.effects.Total(); got != tc.effects {
						t.Errorf("%d effects, want %d", got, tc.effects)
					}
				}
			})
		}
	}
}

func TestDelayEndsByTheClock(t *testing.T) {
	s := newCountingHandler()
	clock := clockwork.NewFakeClock()
	s.Clock = clock
	url, client := start(t, s)
	s.Faults.Add(Fault{Delay: time.Hour})

	answered := make(chan int, 1)

	r := request(t, http.MethodPost, url+"/x", "hello")
	go func() {
		response, err := client.Do(r)
		if err != nil {
			answered <- 0
			return
		}

		_ = response.Body.Close()
		answered <- response.StatusCode
	}()

	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}

	if got := s.effects.Total(); got != 0 {
		t.Errorf("%d effects before the delay has passed, want none", got)
	}

	clock.Advance(time.Hour)

	if status := <-answered; status != http.StatusAccepted {
		t.Errorf("status %d after the delay, want 202", status)
	}
}

func TestBodyLimits(t *testing.T) {
	s := newCountingHandler()
	url, client := start(t, s)

	status, _ := do(t, client, request(t, http.MethodPost, url+"/x", strings.Repeat("a", 1<<20+1)))
	if status != http.StatusRequestEntityTooLarge || s.effects.Total() != 0 {
		t.Errorf("status %d, %d effects, want 413 and none", status, s.effects.Total())
	}

	body := io.MultiReader(strings.NewReader("--b\r\n\r\n"), io.LimitReader(zeros{}, maxMultipartBytes))

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/x", struct{ io.Reader }{body})
	if err != nil {
		t.Fatal(err)
	}

	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")

	countOnly := &countingHandler{Front: NewFront(NewRecorder(1), 1)}
	countOnly.Handler = countOnly.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}))
	url, client = start(t, countOnly)

	r.URL.Host = strings.TrimPrefix(url, "http://")
	if status, _ := do(t, client, r); status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d for a large multipart body, want 413", status)
	}

	calls := countOnly.Recorder.Calls()
	if len(calls) != 1 || calls[0].Body != nil || calls[0].BodySize != maxMultipartBytes {
		t.Errorf("recorded %d calls", len(calls))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func BenchmarkFront(b *testing.B) {
	graph := NewGraph(GraphOptions{Keep: -1})
	url, client := start(b, graph)
	body := message(`"type":"text","text":{"body":"hi"},"biz_opaque_callback_data":"e1"`)
	target := url + "/v27.0/1/messages"
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			status, answer := do(b, client, request(b, http.MethodPost, target, body, "Authorization", "Bearer t"))
			if status != http.StatusOK {
				b.Error(strconv.Itoa(status) + answer)
			}
		}
	})
}
