// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	poll   = time.Second
	period = 30 * time.Second // of a refusal
)

// replicas are two receivers that share a store and a clock.
type replicas struct {
	first, second *fixture
}

func newReplicas(t *testing.T) *replicas {
	first := newFixture(t)

	return &replicas{first: first, second: newReplica(t, first.clock, first.shared)}
}

// pass lets time pass, in which both receivers poll the store.
func (r *replicas) pass(d time.Duration) {
	for ; d > 0; d -= poll {
		r.first.clock.Advance(poll)
		r.first.adopt()
		r.second.adopt()
	}
}

// wantClosed checks how many scopes are closed at a receiver.
func (f *fixture) wantClosed(when string, want int) {
	f.t.Helper()

	if closed := f.Snapshot(); len(closed) != want {
		f.t.Errorf("%s: closed scopes = %v, want %d", when, closed, want)
	}
}

// wantShared checks how many pauses and problems the store has.
func (f *fixture) wantShared(when string, want int) {
	f.t.Helper()

	if len(f.shared) != want {
		f.t.Errorf("%s: the store has %v, want %d", when, f.shared, want)
	}
}

// TestScopeOpensWithTheProbeOfAnotherReceiver closes a scope at two receivers. One of them processes all events that waited.
func TestScopeOpensWithTheProbeOfAnotherReceiver(t *testing.T) {
	waiting := Ask(imageMethod)
	waiting.Queued = true

	for name, tc := range map[string]struct {
		call   Call
		result *failure.Error
		calls  int // that close the scope
		period time.Duration
	}{
		"refused token":       {person(1), refusal(failure.ScopeApp, "190"), 1, period},
		"refused number":      {person(1), refusal(failure.ScopeNumber, "10"), 1, period},
		"refused key":         {Ask(textMethod), refusal(failure.ScopeAI, "http_401"), 1, period},
		"refused method":      {waiting, refusal(failure.ScopeAIMethod, "http_404"), refusedEvents, period},
		"unavailable Meta":    {Lookup("waba"), outage, threshold, 2 * openDuration},
		"unavailable AI":      {Ask(textMethod), outage, threshold, 2 * openDuration},
		"unavailable uploads": {Upload(), outage, threshold, 2 * openDuration},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplicas(t)

			for n := range tc.calls {
				r.first.mustCall(tc.call, n, tc.result, true)
				r.second.mustCall(tc.call, n, tc.result, true)
			}

			r.pass(tc.period)
			r.first.wantClosed("before the probe", 1)
			r.second.wantClosed("before the probe", 1)

			r.first.mustCall(tc.call, 0, nil, true)
			r.pass(poll)
			r.first.wantClosed("after the probe", 0)
			r.second.wantClosed("after the probe", 0)
			r.second.wantShared("after the probe", 0)
			r.second.mustCall(tc.call, 1, nil, true)
		})
	}
}

// TestScopeOpensWithACallOfAReceiverThatNeverClosedIt refuses one call of one receiver. The other one processes the event.
func TestScopeOpensWithACallOfAReceiverThatNeverClosedIt(t *testing.T) {
	r := newReplicas(t)
	r.second.mustCall(person(1), 1, refusal(failure.ScopeApp, "190"), true)
	r.first.adopt() // it learns that an event waits
	r.first.clock.Advance(time.Millisecond)
	r.first.mustCall(person(1), 1, nil, true)
	r.second.wantShared("after the call", 0)

	r.pass(period - poll)
	r.second.wantClosed("before the period is over", 1)
	r.pass(poll)
	r.second.wantClosed("after the period", 0)
	r.second.wantShared("at last", 0)
}

// TestRefusalOfAMethodStaysWithCallsOfOtherMessages checks that a method which refuses some messages alone stays a problem.
func TestRefusalOfAMethodStaysWithCallsOfOtherMessages(t *testing.T) {
	r := newReplicas(t)

	for n := range refusedEvents {
		r.second.mustCall(Ask(imageMethod), n, refusal(failure.ScopeAIMethod, "http_404"), true)
	}

	r.pass(period)
	r.first.mustCall(Ask(imageMethod), 7, nil, true)
	r.pass(time.Hour)
	r.second.wantClosed("after another message", 1)

	waiting := Ask(imageMethod)
	waiting.Queued = true
	r.first.mustCall(waiting, 1, nil, true)
	r.pass(poll)
	r.second.wantClosed("after a message that was refused", 0)
}

// TestRefusalStaysUntilACallSucceeds lets hours pass without a call: the scope stays closed, at little cost.
func TestRefusalStaysUntilACallSucceeds(t *testing.T) {
	r := newReplicas(t)
	writes := &countedPauses{pauses: r.second.shared}
	r.second.problems.store = writes

	r.pass(time.Hour)

	if writes.n > 0 {
		t.Errorf("%d writes while nothing is closed, want none", writes.n)
	}

	r.second.mustCall(person(1), 1, refusal(failure.ScopeApp, "190"), true)
	r.pass(5 * time.Hour)
	r.second.wantClosed("after hours", 1)
	r.second.wantShared("after hours", 1)

	if writes.n > 12 {
		t.Errorf("%d writes in five hours, want at most 12", writes.n)
	}

	r.first.mustCall(person(1), 1, nil, true)
	r.pass(poll)
	r.second.wantClosed("after a call of the other receiver", 0)
}

// TestOutageOfOneReceiverStaysWhileItsProbesFail reaches Bird from the other receiver only.
func TestOutageOfOneReceiverStaysWhileItsProbesFail(t *testing.T) {
	r := newReplicas(t)

	for n := range threshold {
		r.second.mustCall(Ask(textMethod), n, outage, true)
	}

	for n := range 20 {
		r.pass(openDuration)
		r.first.mustCall(Ask(textMethod), n, nil, true)
		r.pass(5 * poll)
		r.second.wantClosed("before a probe", 1)
		r.second.mustCall(Ask(textMethod), n, outage, true)
	}

	r.pass(openDuration)
	r.first.mustCall(Ask(textMethod), 0, nil, true)
	r.pass(openDuration)
	r.second.wantClosed("without a probe", 0)
	r.second.mustCall(Ask(textMethod), 7, outage, true)
	r.second.wantClosed("after one failure", 1)
}

// TestRefusalIsFoundAgainByOneCall checks that calls of others open nothing for a receiver whose own calls fail.
func TestRefusalIsFoundAgainByOneCall(t *testing.T) {
	r := newReplicas(t)
	denied := refusal(failure.ScopeApp, "190")
	calls := 0

	for n := range int(10 * period / poll) {
		r.first.mustCall(person(0), 0, nil, true)

		if r.second.call(person(1), n, denied) {
			calls++
		}

		r.pass(poll)
	}

	if calls > 11 {
		t.Errorf("%d refused calls in 10 periods, want one in each", calls)
	}
}

// TestProblemIsStoredOnceTheStoreIsBack loses a write of each sort.
func TestProblemIsStoredOnceTheStoreIsBack(t *testing.T) {
	r := newReplicas(t)
	lost := &countedPauses{pauses: r.first.shared, err: errors.New("the store is away")}
	r.first.problems.store = lost

	closing := r.first.enter(person(1), 1)
	if err := closing.Done(t.Context(), refusal(failure.ScopeApp, "190")); err == nil {
		t.Error("the error of the store is lost")
	}

	lost.err = nil

	r.pass(period)
	r.first.wantShared("after the refusal", 1)

	lost.err = errors.New("the store is away")

	opening := r.first.enter(person(1), 1)
	if err := opening.Done(t.Context(), nil); err == nil {
		t.Error("the error of the store is lost")
	}

	lost.err = nil

	r.pass(poll)
	r.first.wantShared("after the probe", 0)
}

// TestProblemsOfAReceiverAreBounded refuses many phone numbers.
func TestProblemsOfAReceiverAreBounded(t *testing.T) {
	f := newFixture(t)

	for n := range 2 * maxProblems {
		f.mustCall(Send("waba", fmt.Sprint(n), "lane"), n, refusal(failure.ScopeNumber, "10"), true)
	}

	f.adopt()
	f.wantShared("after the refusals", maxProblems)
}

// TestProblemsStayWithTheOnlyReceiver checks that a store without other receivers gets no problems, and that the receiver
// works with a store that holds some, as after a move from PostgreSQL.
func TestProblemsStayWithTheOnlyReceiver(t *testing.T) {
	replicas := newReplicas(t)
	replicas.first.mustCall(person(1), 1, refusal(failure.ScopeApp, "190"), true)
	replicas.first.wantShared("of two receivers", 1)

	for when, shared := range map[string]pauses{
		"an empty store": {},
		"a moved store":  replicas.first.shared,
	} {
		t.Run(when, func(t *testing.T) {
			had := len(shared)
			f := newReplica(t, clockwork.NewFakeClock(), shared)
			f.problems = newProblems(shared, f.clock, false)

			f.adopt()
			f.clock.Advance(poll)
			f.mustCall(person(1), 1, refusal(failure.ScopeApp, "190"), true)
			f.adopt()
			f.wantClosed("after the refusal", 1)
			f.wantShared("after the refusal", had)

			f.clock.Advance(period)
			f.mustCall(person(1), 1, nil, true)
			f.adopt()
			f.wantClosed("after a success", 0)
		})
	}
}

// countedPauses counts the writes, and refuses them with an error if that is set.
type countedPauses struct {
	pauses
	n   int
	err error
}

func (p *countedPauses) SetPause(ctx context.Context, pause store.Pause, now time.Time) error {
	p.n++

	if p.err != nil {
		return p.err
	}

	return p.pauses.SetPause(ctx, pause, now)
}

func (p *countedPauses) ClearPause(ctx context.Context, scope string) error {
	p.n++

	if p.err != nil {
		return p.err
	}

	return p.pauses.ClearPause(ctx, scope)
}
