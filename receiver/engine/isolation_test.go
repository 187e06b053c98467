// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// crash claims all due lanes and ends, as a receiver does that is killed before it has recorded anything. It returns the
// time at which the leases have ended.
func (f *fixture) crash(t *testing.T, at time.Time) time.Time {
	t.Helper()

	if _, err := f.parts.Store.Claim(t.Context(), store.Conversations, at, at.Add(time.Millisecond), maxClaim); err != nil {
		t.Fatal(err)
	}

	return at.Add(2 * time.Millisecond)
}

// states returns how many of the events are in each state.
func (f *fixture) states(t *testing.T, ids []store.ID) map[store.State]int {
	t.Helper()

	states := map[store.State]int{}

	for _, id := range ids {
		record, err := f.parts.Store.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}

		states[record.Event.State]++
	}

	return states
}

func (f *fixture) ingestMany(t *testing.T, n int) []store.ID {
	t.Helper()

	var ids []store.ID
	for i := range n {
		ids = append(ids, f.ingest(t, fmt.Sprint("57300123", 1000+i), standin.Wamid(fmt.Sprint(i))))
	}

	return ids
}

// TestCrashesGiveUpNoInnocentEvent checks that crashes do not count against events that only started at the same time as
// the guilty one.
func TestCrashesGiveUpNoInnocentEvent(t *testing.T) {
	for name, crashes := range map[string]int{
		"some crashes":         maxSharedStarts + 1,
		"as many as the bound": maxStarts,
		"more than the bound":  2 * maxStarts,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, standin.EchoReply)
			ids := f.ingestMany(t, 5)

			at := time.Now()
			for range crashes {
				at = f.crash(t, at)
			}

			f.start(t)
			f.waitFor(t, "all answers", func() bool { return f.states(t, ids)[store.Pending] == 0 })

			if got := f.states(t, ids); got[store.Done] != len(ids) {
				t.Errorf("states are %v, want all %d events done", got, len(ids))
			}

			for _, id := range ids {
				record, err := f.parts.Store.Get(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}

				if isReset := crashes >= maxStarts; record.Settled != isReset {
					t.Errorf("a message is settled: %t, want %t, since its starts were reset: %t", record.Settled, isReset, isReset)
				}
			}
		})
	}
}

// TestSuspectsAreProcessedAlone checks that nothing else of the class is processed beside an event that started several
// times without an outcome.
func TestSuspectsAreProcessedAlone(t *testing.T) {
	var (
		f    *fixture
		most atomic.Int64
	)

	f = newFixture(t, func(method string, request map[string]any) any {
		conversations := f.engine.pools[0]

		conversations.mu.Lock()
		defer conversations.mu.Unlock()

		most.Store(max(most.Load(), int64(len(conversations.active))))

		return standin.EchoReply(method, request)
	})
	ids := f.ingestMany(t, 4)

	at := time.Now()
	for range maxSharedStarts {
		at = f.crash(t, at)
	}

	f.start(t)
	f.waitFor(t, "all answers", func() bool { return f.states(t, ids)[store.Done] == len(ids) })

	if n := most.Load(); n != 1 {
		t.Errorf("%d conversations were claimed while the AI was asked, want each alone", n)
	}
}

// jumpingClock is the real clock, set ahead by advance.
type jumpingClock struct {
	clockwork.Clock

	ahead atomic.Int64
}

func (c *jumpingClock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.ahead.Load())) }

func (c *jumpingClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c *jumpingClock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// syncedLog is a log that is read while it is written.
type syncedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *syncedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.text.Write(p)
}

func (l *syncedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.text.String()
}

// TestPanicEndsOnlyTheAttempt checks that a panic ends neither the process nor the processing of other events, that its
// data is not logged, and that the event is given up.
func TestPanicEndsOnlyTheAttempt(t *testing.T) {
	f := newFixture(t, standin.EchoReply)

	var log syncedLog

	f.parts.Log = slog.New(slog.NewTextHandler(&log, nil))
	guilty := f.ingest(t, "573001234567", "wamid.1")
	innocent := f.ingest(t, "573007654321", "wamid.2")
	f.parts.Store = &panickingAt{
		Store:  f.parts.Store,
		id:     guilty,
		panics: func(s store.Step) bool { return s.Answer != nil },
	}

	clock := &jumpingClock{Clock: f.parts.Clock}
	f.parts.Clock = clock
	f.start(t)
	f.waitFor(t, "the other answer", func() bool { return f.states(t, []store.ID{innocent})[store.Done] == 1 })
	f.waitFor(t, "the end of the event", func() bool {
		clock.advance(panicRetryDelay)
		return f.states(t, []store.ID{guilty})[store.Pending] == 0
	})

	record := f.waitForDeadLetter(t, guilty)
	if last := record.Failures[len(record.Failures)-1]; last.Code != codeAbandoned {
		t.Errorf("the last failure is %q, want %q", last.Code, codeAbandoned)
	}

	if text := log.String(); strings.Contains(text, "words of a person") || !strings.Contains(text, "recordAnswer") {
		t.Errorf("the log has the data of the panic, or not its stack:\n%s", text)
	}
}
