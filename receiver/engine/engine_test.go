// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func testConfig() config.Config {
	return config.Config{
		Bird: config.Bird{BaseURL: "http://127.0.0.1:1"},
		Processing: config.Processing{
			Retry: config.Retry{
				MaxRetries: new(2),
				BaseDelay:  10 * time.Second,
				MaxDelay:   100 * time.Second,
			},
			ConfigurationRetry: 7 * time.Second,
			AmbiguousWindow:    11 * time.Second,
			TypingIndicator:    new(false),
		},
	}.WithDefaults()
}

func TestSettle(t *testing.T) {
	ended, cut := context.WithCancel(t.Context())
	cut()

	fail := func(class failure.Class, after time.Duration) error {
		return fmt.Errorf("wrapped: %w", &failure.Error{
			Class:      class,
			Op:         "op",
			RetryAfter: after,
		})
	}
	for name, tc := range map[string]struct {
		ctx      context.Context
		err      error
		attempts int
		state    store.State
		from, to time.Duration // the retry's bounds
		spent    bool
		unsent   bool // the part in flight goes back to planned
		event    store.Event
	}{
		"status, last": {
			event:    store.Event{Class: store.Statuses},
			err:      fail(failure.Transient, 0),
			attempts: 2,
			state:    store.Skipped,
			spent:    true,
			unsent:   true,
		},
		"status, refused for long": {
			event:  store.Event{Class: store.Statuses, ReceivedAt: now.Add(-25 * time.Hour)},
			err:    fail(failure.Configuration, 0),
			state:  store.Skipped,
			unsent: true,
		},
		"notice, sink away": {
			event:    store.Event{Class: store.Notices, Kind: store.KindNotice},
			err:      fail(failure.Transient, 0),
			attempts: 50,
			state:    store.Pending,
			from:     50 * time.Second,
			to:       100 * time.Second,
			spent:    true,
			unsent:   true,
		},
		"notice, sink away a day": {
			event: store.Event{
				Class:      store.Notices,
				Kind:       store.KindNotice,
				ReceivedAt: now.Add(-25 * time.Hour),
			},
			err:    fail(failure.Transient, 0),
			state:  store.Skipped,
			spent:  true,
			unsent: true,
		},
		"handled": {state: store.Done},
		"transient, first": {
			err:    fail(failure.Transient, 0),
			state:  store.Pending,
			from:   5 * time.Second,
			to:     10 * time.Second,
			spent:  true,
			unsent: true,
		},
		"transient, second": {
			err:      fail(failure.Transient, 0),
			attempts: 1,
			state:    store.Pending,
			from:     10 * time.Second,
			to:       20 * time.Second,
			spent:    true,
			unsent:   true,
		},
		"transient, last": {
			err:      fail(failure.Transient, 0),
			attempts: 2,
			state:    store.Dead,
			spent:    true,
			unsent:   true,
		},
		"transient, told when": {
			err:    fail(failure.Transient, 90*time.Second),
			state:  store.Pending,
			from:   90 * time.Second,
			to:     90 * time.Second,
			spent:  true,
			unsent: true,
		},
		"not classified": {
			err:    errors.New("surprise"),
			state:  store.Pending,
			from:   5 * time.Second,
			to:     10 * time.Second,
			spent:  true,
			unsent: true,
		},
		"rate limited, for long": {
			err:      fail(failure.RateLimited, 0),
			attempts: 2,
			state:    store.Pending,
			from:     50 * time.Second,
			to:       100 * time.Second,
			unsent:   true,
		},
		"rate limited, told when": {
			err:    fail(failure.RateLimited, 5*time.Minute),
			state:  store.Pending,
			from:   5 * time.Minute,
			to:     5 * time.Minute,
			unsent: true,
		},
		"configuration, for long": {
			err:      fail(failure.Configuration, 0),
			attempts: 2,
			state:    store.Pending,
			from:     7 * time.Second,
			to:       7 * time.Second,
			unsent:   true,
		},
		"permanent": {err: fail(failure.Permanent, 0), state: store.Dead, spent: true, unsent: true},
		"ambiguous, even at last": {
			err:      fail(failure.Ambiguous, 0),
			attempts: 2,
			state:    store.Pending,
			from:     11 * time.Second,
			to:       11 * time.Second,
			spent:    true,
		},
		"waiting for a status": {
			err:   &postponed{until: now.Add(3 * time.Second)},
			state: store.Pending,
			from:  3 * time.Second,
			to:    3 * time.Second,
		},
		"cut off by the end": {
			ctx:      ended,
			err:      fail(failure.Transient, 0),
			attempts: 2,
			state:    store.Pending,
			unsent:   true,
		},
		"cut off while being sent": {
			ctx:   ended,
			err:   fail(failure.Ambiguous, 0),
			state: store.Pending,
			from:  11 * time.Second,
			to:    11 * time.Second,
			spent: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := New(Parts{Clock: clockwork.NewFakeClockAt(now), Live: config.Fixed(testConfig(), config.Secrets{})})

			ctx := tc.ctx
			if ctx == nil {
				ctx = t.Context()
			}

			if tc.event.ReceivedAt.IsZero() {
				tc.event.ReceivedAt = now
			}

			task := &task{
				work:     &store.Work{Attempts: tc.attempts, Event: tc.event},
				settings: e.Live.Current(),
				end:      store.Done,
				inFlight: new(1),
			}
			step := e.settle(ctx, task, tc.err)

			outcome := step.Outcome
			if outcome.State != tc.state {
				t.Errorf("state = %s, want %s", outcome.State, tc.state)
			}

			if wait := outcome.RetryAt.Sub(now); tc.state == store.Pending && (wait < tc.from || wait > tc.to) {
				t.Errorf("tried again after %v, want between %v and %v", wait, tc.from, tc.to)
			}

			if spent := outcome.Failure != nil && outcome.Failure.Spent; spent != tc.spent {
				t.Errorf("spent = %t, want %t", spent, tc.spent)
			}

			if (step.Unsent != nil) != tc.unsent {
				t.Errorf("unsent = %v, want %t", step.Unsent, tc.unsent)
			}
		})
	}
}

// A receiver that was away heard no status meanwhile.
func TestDoubtIsWaitedForSinceTheStart(t *testing.T) {
	const window = 11 * time.Second
	for name, tc := range map[string]struct {
		started, now time.Duration // since the engine began
		until        time.Duration // 0: it may be sent again
	}{
		"sent long before the start": {started: -time.Hour, now: time.Second, until: window},
		"sent since": {
			started: time.Minute,
			now:     time.Minute + time.Second,
			until:   time.Minute + window,
		},
		"sent before, the window has passed": {started: -time.Hour, now: window + time.Millisecond},
		"sent since, the window has passed":  {started: time.Minute, now: time.Minute + window + time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(now)
			b := newBench(t, standin.EchoReply)
			b.engine.Clock = clock
			e := New(b.engine.Parts)

			clock.Advance(tc.now)
			reply := &store.Reply{State: store.Sending, StartedAt: now.Add(tc.started)}
			// One attempt too many: what may be sent again would be given up instead.
			err := e.begin(t.Context(), &task{settings: b.engine.Live.Current(), work: &store.Work{Attempts: 3}}, reply)

			var wait *postponed
			if tc.until == 0 {
				if f := failure.Of(err); f == nil || f.Code != "in_doubt" {
					t.Errorf("begin() = %v, want that no attempt is left", err)
				}
			} else if !errors.As(err, &wait) || !wait.until.Equal(now.Add(tc.until)) {
				t.Errorf("begin() = %v, want a wait until %s after the start", err, tc.until)
			}
		})
	}
}

// bench is an engine on a real store between stand-ins.
type bench struct {
	engine *Engine
	store  store.Store
	graph  *standin.Graph
	bird   *standin.Bird
}

func newBench(t *testing.T, reply func(string, map[string]any) any) *bench {
	graph := standin.NewGraph(standin.GraphOptions{})
	ai := standin.NewBird(standin.BirdOptions{Reply: reply})
	graphServer := httptest.NewServer(graph)
	birdServer := httptest.NewServer(ai)
	t.Cleanup(func() { graph.Close(); ai.Close(); graphServer.Close(); birdServer.Close() })

	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	})

	c := testConfig()
	c.CloudAPI.BaseURL = graphServer.URL
	c.Bird.BaseURL = birdServer.URL
	c.Processing.Poll = 10 * time.Millisecond
	c.Media.SpoolDir = filepath.Join(t.TempDir(), "spool")
	live := config.Fixed(c, config.Secrets{AccessToken: "token", BirdAccessKey: "key"})

	parts := Parts{
		Store:   inbox,
		Bird:    bird.NewClient(live, 4, clockwork.NewRealClock()),
		Graph:   cloudapi.NewClient(live, 4, clockwork.NewRealClock()),
		Live:    live,
		Notices: notice.NewSender(live, 1, clockwork.NewRealClock()),
		Metrics: metrics.New(),
		Tracer:  &tracing.Tracer{},
		Clock:   clockwork.NewRealClock(),
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if parts.Media, err = media.Open(live, parts.Graph, clockwork.NewRealClock()); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { parts.Bird.Close(); parts.Graph.Close(); parts.Media.Close(); parts.Notices.Close() })

	return &bench{
		engine: New(parts),
		store:  inbox,
		graph:  graph,
		bird:   ai,
	}
}

func (b *bench) run(t *testing.T) {
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))

	ended := make(chan struct{})
	go func() { defer close(ended); b.engine.Run(ctx, time.Second) }()

	t.Cleanup(func() { stop(); <-ended })
}

func (b *bench) ingest(t *testing.T, message string) store.ID {
	t.Helper()

	events, err := intake.Events(t.Context(), standin.TextDelivery("42", "573001234567", "Ana", message, "hello", now), config.Config{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}

	if _, err := b.store.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}

	b.engine.Wake(store.Conversations)

	return events[0].ID
}

func (b *bench) until(t *testing.T, what string, holds func() bool) {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()

	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for: %s", what)
		case <-tick.C:
		}
	}
}

func TestALostLeaseStopsTheWork(t *testing.T) {
	asked := make(chan struct{})
	answer := make(chan struct{})
	b := newBench(t, func(method string, request map[string]any) any {
		close(asked)
		<-answer

		return standin.EchoReply(method, request)
	})
	b.run(t)
	id := b.ingest(t, "wamid.1")

	<-asked
	// Another receiver finds the lease expired, and takes the conversation over.
	later := time.Now().Add(time.Hour)

	leases, err := b.store.Claim(t.Context(), store.Conversations, later, later.Add(time.Minute), 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim() = %v, %v, want the conversation", leases, err)
	}

	close(answer)
	b.until(t, "the first receiver lets go", func() bool {
		conversations := b.engine.pools[0]
		conversations.mu.Lock()
		defer conversations.mu.Unlock()

		return len(conversations.active) == 0
	})

	if sent := b.graph.Sent(); len(sent) != 0 {
		t.Errorf("sent %d messages without the lease, want none", len(sent))
	}

	step := store.Step{Now: later, Outcome: &store.Outcome{State: store.Done}}
	if _, err := b.store.Advance(t.Context(), leases[0].LeaseRef, id, step); err != nil {
		t.Errorf("the other receiver cannot go on: %v", err)
	}
}

func TestAMessageThatEndsTheProcessIsGivenUp(t *testing.T) {
	b := newBench(t, nil)
	id := b.ingest(t, "wamid.1")

	at := time.Now()
	for range maxStarts { // receivers that claimed it and were never heard of again
		at = at.Add(time.Hour)
		if _, err := b.store.Claim(t.Context(), store.Conversations, at, at.Add(time.Minute), 1); err != nil {
			t.Fatal(err)
		}
	}

	b.engine.Clock = clockwork.NewFakeClockAt(at.Add(time.Hour))
	b.run(t)

	var record *store.Record
	b.until(t, "the dead letter", func() bool {
		var err error

		record, err = b.store.Get(t.Context(), id)

		return err == nil && record.Event.State == store.Dead
	})

	var codes []string
	for _, f := range record.Failures {
		codes = append(codes, f.Code)
	}

	if diff := cmp.Diff([]string{"abandoned"}, codes); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	const bound = 3

	busy := make(chan struct{}, 100)
	answer := make(chan struct{})
	b := newBench(t, func(string, map[string]any) any {
		busy <- struct{}{}

		<-answer

		return nil
	})
	c := b.engine.Live.Current().Config
	c.Processing.Concurrency = bound
	b.engine.Live = config.Fixed(c, config.Secrets{})
	b.run(t)

	for i := range 2 * bound {
		events, err := intake.Events(t.Context(), standin.TextDelivery("42", fmt.Sprint("57300", i), "Ana", standin.Wamid(fmt.Sprint(i)), "hello", now), config.Config{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}

		if _, err := b.store.Ingest(t.Context(), events); err != nil {
			t.Fatal(err)
		}
	}

	b.engine.Wake(store.Conversations)

	for range bound {
		<-busy
	}

	b.engine.Wake(store.Conversations)

	if n := len(busy); n != 0 {
		t.Errorf("%d conversations more than the bound are worked", n)
	}

	close(answer)
	b.until(t, "all worked", func() bool { return len(b.bird.Asked()) == 2*bound })
}

func TestTheWindowIsCheckedBeforeSending(t *testing.T) {
	b := newBench(t, nil)
	id := b.ingest(t, "wamid.1")
	b.engine.Clock = clockwork.NewFakeClockAt(time.Now().Add(25 * time.Hour)) // a day without a receiver
	b.run(t)

	var record *store.Record
	b.until(t, "the dead letter", func() bool {
		var err error

		record, err = b.store.Get(t.Context(), id)

		return err == nil && record.Event.State == store.Dead
	})

	if got := record.Failures[len(record.Failures)-1]; got.Class != string(failure.TemplateRequired) {
		t.Errorf("failure = %+v, want template_required", got)
	}

	if calls := b.graph.Recorder.Total(); calls != 0 {
		t.Errorf("Graph was called %d times for what it would refuse, want never", calls)
	}
}

// blind is a store whose pauses cannot be read.
type blind struct{ store.Store }

func (blind) Pauses(context.Context, time.Time) ([]store.Pause, error) {
	return nil, errors.New("the store is away")
}

func TestALimitIsHeldThoughPausesCannotBeRead(t *testing.T) {
	b := newBench(t, nil)
	limit := standin.GraphError(130429, "", 0)
	limit.PathPrefix = "/42/messages"
	b.graph.Faults.Add(limit)
	b.engine.Store = blind{b.store}
	b.run(t)
	id := b.ingest(t, "wamid.1")
	b.until(t, "the limit is met", func() bool {
		record, err := b.store.Get(t.Context(), id)
		return err == nil && len(record.Failures) == 1
	})

	pauses, err := b.store.Pauses(t.Context(), time.Now())
	if err != nil || len(pauses) != 1 {
		t.Errorf("pauses = %v, %v; want the one of the number", pauses, err)
	}
}
