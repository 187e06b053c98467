// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// report reports that Meta did not deliver a message of the account.
func (f *fixture) report(at time.Time) {
	f.t.Helper()

	if err := f.Reported(f.t.Context(), person(0), refusal(failure.ScopeBusinessAccount, "131042"), at); err != nil {
		f.t.Fatal(err)
	}
}

// wantWait checks how long sends wait.
func (f *fixture) wantWait(want time.Duration) {
	f.t.Helper()

	if got := f.wait(person(1)); got != want {
		f.t.Errorf("sends wait %s, want %s", got, want)
	}
}

func TestReportedRefusalClosesFromItsOwnTime(t *testing.T) {
	f := newFixture(t)
	at := f.clock.Now()
	f.clock.Advance(10 * time.Second)

	for range 3 { // the report is processed again, and others of the same time follow
		f.report(at)
	}

	f.wantWait(20 * time.Second)

	if closed := f.Snapshot(); len(closed) != 1 || closed[0].Reason != Refused {
		t.Errorf("closed scopes = %+v, want the account", closed)
	}

	late := newFixture(t)
	late.report(late.clock.Now().Add(-time.Hour))
	late.wantWait(0)
}

// TestAcceptedProbeOpensAfterAPeriod lets Meta accept a probe. That proves nothing before a failure would have been reported.
func TestAcceptedProbeOpensAfterAPeriod(t *testing.T) {
	f := newFixture(t)
	f.report(f.clock.Now())
	f.clock.Advance(30 * time.Second)
	f.mustCall(person(1), 1, nil, true)
	f.wantWait(30 * time.Second)
	f.mustCall(person(2), 2, nil, false)
	f.clock.Advance(30 * time.Second)

	if n, _ := f.Admit("business_account:waba", 5); n != 5 {
		t.Errorf("%d waiting events are admitted, want all", n)
	}

	first := f.enter(person(1), 1)
	f.mustCall(person(2), 2, nil, true)
	f.done(first, nil)

	if closed := f.Snapshot(); len(closed) != 0 {
		t.Errorf("closed scopes = %+v, want none", closed)
	}
}

// TestPeriodsGrowWhileProbesFail lets Meta accept each probe and report its failure.
func TestPeriodsGrowWhileProbesFail(t *testing.T) {
	f := newFixture(t)

	var got []time.Duration

	for range 5 {
		f.report(f.clock.Now())

		wait := f.wait(person(1))
		got = append(got, wait)

		f.clock.Advance(wait)
		f.mustCall(person(1), 1, nil, true)
		f.clock.Advance(5 * time.Second)
	}

	want := []time.Duration{30 * time.Second, 2 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("periods (-want +got):\n%s", diff)
	}
}

// TestProbesThatProveNothing ends probes otherwise than by an acceptance after the last report.
func TestProbesThatProveNothing(t *testing.T) {
	f := newFixture(t)
	f.report(f.clock.Now())
	f.clock.Advance(30 * time.Second)

	probe := f.enter(person(1), 1)
	f.report(f.clock.Now()) // before Meta's response to the probe is here
	f.done(probe, nil)
	f.wantWait(2 * time.Minute)

	f.clock.Advance(2 * time.Minute)
	f.mustCall(person(1), 1, &failure.Error{Class: failure.Permanent}, true)
	f.mustCall(person(2), 2, nil, true) // the next probe
	f.wantWait(30 * time.Second)
}

func TestReceiversShareAReportedRefusal(t *testing.T) {
	f := newFixture(t)
	other := newReplica(t, f.clock, f.shared)

	f.report(f.clock.Now())
	other.adopt()
	other.wantWait(30 * time.Second)
	f.clock.Advance(30 * time.Second)
	other.mustCall(person(1), 1, nil, true)
	other.adopt()
	other.wantWait(0)
}
