// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestCallsThatMeetOneLimitPauseOnce(t *testing.T) {
	f := newFixture(t)

	var inFlight []*Permit
	for n := range 2 {
		inFlight = append(inFlight, f.enter(person(n), n))
	}

	for range 19 {
		f.clock.Advance(100 * time.Millisecond)
		inFlight = append(inFlight, f.enter(person(3), 3))
	}

	for _, permit := range inFlight {
		f.done(permit, limit(failure.ScopeNumber, 0))
	}

	if got := f.wait(person(0)); got != time.Second {
		t.Errorf("%d answers with one limit pause the number for %s, want 1s", len(inFlight), got)
	}
}

func TestPausesGrowWhileTheLimitHolds(t *testing.T) {
	for _, tc := range []struct {
		scope failure.Scope
		pause time.Duration // of the failure
		want  []time.Duration
	}{
		{failure.ScopePair, 0, []time.Duration{1, 4, 16, 64, 256, 1024, 3600, 3600}},
		{failure.ScopeNumber, 0, []time.Duration{1, 2, 4, 8, 16}},
		{failure.ScopeNumber, time.Hour, []time.Duration{3600, 7200, 14400, 21600, 21600}},
		{failure.ScopeApp, 0, []time.Duration{300, 600, 1200, 2400, 4800, 9600, 19200, 21600}},
		{failure.ScopeBusinessAccount, 0, []time.Duration{300, 600}},
	} {
		f := newFixture(t)

		for level, seconds := range tc.want {
			hit := limit(tc.scope, 0)
			hit.Pause = tc.pause

			f.mustCall(person(0), 0, hit, true)

			if got := f.wait(person(0)); got != seconds*time.Second {
				t.Errorf("%s, first pause %s, level %d: %s, want %s", tc.scope, tc.pause, level, got, seconds*time.Second)
			}

			f.clock.Advance(seconds * time.Second)
		}

		f.mustCall(person(0), 0, nil, true)
		f.mustCall(person(0), 0, limit(tc.scope, time.Minute), true)

		if got := f.wait(person(0)); got != time.Minute {
			t.Errorf("%s after a success: %s, want the minute that Meta asked for", tc.scope, got)
		}
	}
}

func TestOneProbeFollowsAPause(t *testing.T) {
	f := newFixture(t)
	f.mustCall(person(0), 0, limit(failure.ScopeNumber, 0), true)
	f.mustCall(person(1), 1, nil, false)
	f.clock.Advance(time.Second)

	probe := f.enter(person(1), 1)
	f.mustCall(person(2), 2, nil, false)
	f.done(probe, nil)
	f.mustCall(person(2), 2, nil, true)

	if f.opened != 1 {
		t.Errorf("opened was called %d times, want once", f.opened)
	}
}

func TestOlderCallsDoNotChangeAPause(t *testing.T) {
	f := newFixture(t)
	success := f.enter(person(0), 0)
	again := f.enter(person(1), 1)

	f.clock.Advance(time.Second)
	f.mustCall(person(2), 2, limit(failure.ScopeNumber, time.Minute), true)
	f.done(success, nil)
	f.done(again, limit(failure.ScopeNumber, time.Hour))

	if got := f.wait(person(3)); got != time.Minute {
		t.Errorf("the pause lasts %s, want the minute that Meta asked for", got)
	}
}

func TestScopesOfOthersStayOpen(t *testing.T) {
	f := newFixture(t)
	f.mustCall(person(0), 0, limit(failure.ScopePair, 0), true)
	f.mustCall(person(0), 0, nil, false)
	f.mustCall(person(1), 1, nil, true)
	f.mustCall(Send("waba", "other", "lane0/other"), 2, nil, true)
	f.mustCall(Ask(textMethod), 3, nil, true)
}

func TestReceiversShareAPause(t *testing.T) {
	f := newFixture(t)
	other := newReplica(t, f.clock, f.shared)

	f.mustCall(person(0), 0, limit(failure.ScopeNumber, 0), true)
	other.adopt()
	other.mustCall(person(1), 1, nil, false)

	f.clock.Advance(time.Second)
	other.mustCall(person(1), 1, nil, true) // its probe
	f.clock.Advance(time.Second)
	f.adopt()
	f.mustCall(person(0), 0, nil, true)
	f.mustCall(person(0), 0, nil, true)

	if len(f.shared) != 0 {
		t.Errorf("stored pauses = %v, want none after a success", f.shared)
	}
}

// slowPauses is a store that takes long to store a pause.
type slowPauses struct {
	pauses
	during func() // before the pause is stored
}

func (p slowPauses) SetPause(ctx context.Context, pause store.Pause, now time.Time) error {
	p.during()

	return p.pauses.SetPause(ctx, pause, now)
}

func TestPauseStaysIfThePausesWereReadBeforeItWasStored(t *testing.T) {
	f := newFixture(t)

	var asked time.Time

	f.Pauses = slowPauses{f.shared, func() {
		f.clock.Advance(time.Second)

		asked = f.clock.Now()

		f.clock.Advance(time.Second)
	}}

	f.mustCall(person(0), 0, limit(failure.ScopeNumber, time.Minute), true)
	f.Adopt(nil, asked)
	f.mustCall(person(1), 1, nil, false)

	f.clock.Advance(time.Second)
	f.Adopt(nil, f.clock.Now()) // another receiver has cleared it
	f.mustCall(person(1), 1, nil, true)
}

func TestReportedLimitPausesFromItsOwnTime(t *testing.T) {
	f := newFixture(t)
	reported := f.clock.Now()
	hit := limit(failure.ScopeNumber, 10*time.Second)

	f.clock.Advance(4 * time.Second)

	for range 40 { // the report is processed again
		if err := f.Limited(t.Context(), person(0), hit, reported); err != nil {
			t.Fatal(err)
		}
	}

	if got := f.wait(person(0)); got != 6*time.Second {
		t.Errorf("the pause lasts another %s, want 6s", got)
	}

	f.clock.Advance(time.Hour)
	f.mustCall(person(0), 0, nil, true)

	if err := f.Limited(t.Context(), person(0), hit, reported); err != nil {
		t.Fatal(err)
	}

	f.mustCall(person(0), 0, nil, true)
}

func TestThroughputHoldsInEverySecond(t *testing.T) {
	const perSecond = 20

	f := newFixture(t)

	var sends []time.Time

	for n := 0; len(sends) < 200; n++ {
		if n == 100 { // sends that are not used are lost
			f.clock.Advance(time.Minute)
		}

		if f.call(person(n), n, nil) {
			sends = append(sends, f.clock.Now())
		}

		f.clock.Advance(10 * time.Millisecond)
	}

	for i := perSecond; i < len(sends); i++ {
		if apart := sends[i].Sub(sends[i-perSecond]); apart < time.Second {
			t.Fatalf("%d sends within %s, want at most %d in a second", perSecond+1, apart, perSecond)
		}
	}

	if took := sends[len(sends)-1].Sub(sends[0]) - time.Minute; took > 11*time.Second {
		t.Errorf("200 sends took %s, want about 10s", took)
	}
}

func TestNewEventsQueueBehindWaitingOnes(t *testing.T) {
	f := newFixture(t)

	var waited int
	for n := range 5 {
		if _, closed := f.Enter(person(n), event(n)); closed != nil {
			f.Enqueue(closed)

			waited++
		}
	}

	if waited == 0 {
		t.Fatal("no event waits, want the throughput used up")
	}

	f.clock.Advance(time.Second)
	f.mustCall(person(10), 10, nil, false)

	queued := person(1)
	queued.Queued = true
	f.mustCall(queued, 1, nil, true)

	f.EndWait("number:number")
	f.mustCall(person(10), 10, nil, true)
}

func TestAdmittedEventsAreReserved(t *testing.T) {
	f := newFixture(t)

	first, _ := f.Admit("number:number", 10)
	again, next := f.Admit("number:number", 10)

	if first != 2 || again != 0 || !next.After(f.clock.Now()) {
		t.Errorf("admitted %d and %d, next %s; want 2 and none until their calls", first, again, next)
	}

	queued := person(0)
	queued.Queued = true
	f.mustCall(queued, 0, nil, true)
	f.mustCall(queued, 0, nil, true)
	f.clock.Advance(100 * time.Millisecond)

	if n, _ := f.Admit("number:number", 10); n != 2 {
		t.Errorf("admitted %d after a tenth of a second, want 2", n)
	}
}

func TestScopesAreBounded(t *testing.T) {
	f := newFixture(t)

	for n := range maxScopes + 100 {
		call := Send("waba", fmt.Sprint(n), fmt.Sprint("lane", n))
		f.mustCall(call, n, nil, true)
	}

	if len(f.states) > maxScopes || len(f.numbers) > maxNumbers {
		t.Errorf("%d scopes and %d numbers are tracked, want at most %d and %d", len(f.states), len(f.numbers), maxScopes, maxNumbers)
	}
}
