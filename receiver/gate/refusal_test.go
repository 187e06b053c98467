// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestRefusedKeyIsProbedByOneEvent(t *testing.T) {
	f := newFixture(t)
	f.mustCall(Ask(textMethod), 0, refusal(failure.ScopeAI, "http_401"), true)

	calls := 0

	for period := range 5 {
		f.clock.Advance(30 * time.Second)

		for n := range 200 {
			if f.call(Ask(imageMethod), 1000*period+n, refusal(failure.ScopeAI, "http_401")) {
				calls++
			}
		}
	}

	if calls != 5 {
		t.Errorf("%d calls with a refused key in 5 periods, want 5", calls)
	}
}

// TestRefusedStatusesCloseTheirMethodLate refuses statuses one after the other. Once the AI has accepted one, a few refusals are
// each about one status.
func TestRefusedStatusesCloseTheirMethodLate(t *testing.T) {
	refused := refusal(failure.ScopeAIMethod, "http_404")
	report := Notify("notify_bird_status_change")

	for name, tc := range map[string]struct {
		accepts bool
		closes  int // after so many refusals
	}{
		"the method may be missing": {closes: refusedEvents},
		"the method exists":         {accepts: true, closes: refusedStatuses},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)

			if tc.accepts {
				f.mustCall(report, 0, nil, true)
			}

			for n := range tc.closes {
				f.mustCall(report, n+1, refused, true)

				if takes, isLast := f.TakesOthers(report), n+1 == tc.closes; takes != (tc.accepts && !isLast) {
					t.Fatalf("after %d refusals the method counts as accepted: %t", n+1, takes)
				}
			}

			f.mustCall(report, 1000, nil, false)
		})
	}
}

// TestRefusedLookUpCountsAsAProbe lets look-ups show that the sends of a number would be refused.
func TestRefusedLookUpCountsAsAProbe(t *testing.T) {
	const retry = 30 * time.Second

	f := newFixture(t)
	denied := refusal(failure.ScopeNumber, "10")

	for range 3 {
		f.Refused(person(0), event(0), denied)

		if got := f.wait(person(1)); got != retry {
			t.Fatalf("sends wait %s after a refused look-up, want %s", got, retry)
		}

		f.clock.Advance(retry / 2)
		f.Refused(person(0), event(0), denied) // of a look-up that began before

		if got := f.wait(person(1)); got != retry/2 {
			t.Errorf("sends wait %s, want the rest of the period", got)
		}

		f.clock.Advance(retry / 2)
	}

	probe := f.enter(person(1), 1)
	f.Refused(person(0), event(0), denied)

	if closed := f.WaitAfter(person(0), event(0), denied); closed == nil || closed.Scope.Kind != failure.ScopeNumber {
		t.Errorf("the refused event waits for %v, want the number while it is probed", closed)
	}

	f.done(probe, nil)
	f.mustCall(person(2), 2, nil, true)

	if closed := f.Snapshot(); len(closed) != 0 {
		t.Errorf("closed scopes = %v after a probe that Meta accepted, want none", closed)
	}
}

func TestOneRefusedEventClosesNoMethod(t *testing.T) {
	f := newFixture(t)
	notFound := refusal(failure.ScopeAIMethod, "http_404")

	for range 5 {
		f.mustCall(Ask(imageMethod), 1, notFound, true)
	}

	f.mustCall(Ask(imageMethod), 2, nil, true)

	for n := range refusedEvents {
		f.mustCall(Ask(imageMethod), n, notFound, true)
	}

	if closed := f.WaitAfter(Ask(imageMethod), event(1), notFound); closed == nil || closed.Scope.Kind != failure.ScopeAIMethod {
		t.Errorf("a refused event waits for %v, want the method", closed)
	}

	waiting := Ask(imageMethod)
	waiting.Queued = true
	f.mustCall(waiting, 1, nil, false)         // a refused event waits for the next probe
	f.mustCall(Ask(imageMethod), 9, nil, true) // another event does not
	f.mustCall(waiting, 1, nil, false)         // its success says nothing about the refused ones
	f.clock.Advance(30 * time.Second)
	f.mustCall(waiting, 1, notFound, true)
	f.mustCall(waiting, 2, nil, false)
	f.clock.Advance(30 * time.Second)
	f.mustCall(waiting, 2, nil, true)
	f.mustCall(waiting, 0, nil, true)
}

func TestRefusedMethodOpensOnceNoEventWaits(t *testing.T) {
	f := newFixture(t)

	for n := range refusedEvents {
		f.mustCall(Ask(imageMethod), n, refusal(failure.ScopeAIMethod, "http_404"), true)
	}

	if closed := f.Snapshot(); len(closed) != 1 {
		t.Fatalf("closed scopes = %v, want the method", closed)
	}

	f.EndWait(scopeAI + ":" + imageMethod) // the events that waited were dead-lettered

	if closed := f.Snapshot(); len(closed) != 0 {
		t.Errorf("closed scopes = %v, want none: nothing would probe the method", closed)
	}
}

func TestUnknownTextMethodMeansAWrongAddress(t *testing.T) {
	f := newFixture(t)
	notFound := refusal(failure.ScopeAIMethod, "http_404")

	for n := range addressEvents {
		f.mustCall(Ask(textMethod), n, notFound, true)
	}

	if closed := f.Check(Ask(imageMethod)); closed == nil || closed.Scope.Kind != failure.ScopeAI {
		t.Errorf("closed = %v, want all of Bird", closed)
	}
}

func TestWrongAddressIsNoAnswer(t *testing.T) {
	f := newFixture(t)
	start := f.clock.Now()
	notFound := refusal(failure.ScopeAIMethod, "http_404")

	for n := range addressEvents {
		f.clock.Advance(time.Second)
		f.mustCall(Ask(textMethod), n, notFound, true)
	}

	if !f.RefusesAll(basicMethod, start) {
		t.Error("Bird has answered a message, want that it may refuse all")
	}

	if f.RefusesAll(scopeAI+":"+imageMethod, start) {
		t.Error("a method that a bridge may lack is taken for the address")
	}

	f.clock.Advance(time.Minute)
	f.mustCall(Ask(textMethod), 0, nil, true)

	if f.RefusesAll(basicMethod, start) {
		t.Error("Bird refuses all, want those alone that it refused")
	}
}
