// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// drain lets a backlog through the gate to a Bird that answers after latency and accepts what the limiter allows. It
// returns how long that took, and how many calls were refused.
func (f *fixture) drain(backlog int, latency, retryAfter time.Duration, limiter *rate.Limiter) (took time.Duration, refused int) {
	const (
		step        = 5 * time.Millisecond
		concurrency = 256
	)

	type call struct {
		permit *Permit
		ends   time.Time
	}

	var inFlight []call

	call429 := limit(failure.ScopeAI, retryAfter)
	start := f.clock.Now()

	for n := 0; backlog > 0 || len(inFlight) > 0; f.clock.Advance(step) {
		now := f.clock.Now()

		for len(inFlight) > 0 && !now.Before(inFlight[0].ends) {
			if limiter.AllowN(now, 1) {
				f.done(inFlight[0].permit, nil)
			} else {
				f.done(inFlight[0].permit, call429)

				refused++
				backlog++
			}

			inFlight = inFlight[1:]
		}

		admitted, _ := f.Admit(scopeAI, concurrency-len(inFlight))
		for range min(admitted, backlog) {
			request := Ask(textMethod)
			request.Queued = true

			if permit, closed := f.Enter(request, event(n)); closed == nil {
				inFlight = append(inFlight, call{permit, now.Add(latency)})
				backlog--
				n++
			}
		}
	}

	return f.clock.Now().Sub(start), refused
}

func TestBacklogDrainsAtTheRateThatBirdAccepts(t *testing.T) {
	const perSecond = 50

	for _, tc := range []struct {
		name                string
		latency, retryAfter time.Duration
		burst               int
	}{
		{"at once", 5 * time.Millisecond, 0, perSecond},
		{"slow", time.Second, 0, perSecond},
		{"small burst", 50 * time.Millisecond, 0, 5},
		{"with Retry-After", 50 * time.Millisecond, time.Second, perSecond},
		{"slow, with Retry-After", time.Second, time.Second, perSecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			limiter := rate.NewLimiter(perSecond, tc.burst)
			limiter.AllowN(f.clock.Now(), tc.burst)

			const backlog = 60 * perSecond

			took, refused := f.drain(backlog, tc.latency, tc.retryAfter, limiter)
			share := backlog / took.Seconds() / perSecond
			t.Logf("%.2f of what Bird accepts was used, %d calls were refused", share, refused)

			if share < 0.9 {
				t.Errorf("%.2f of what Bird accepts was used, want at least 0.9", share)
			}
		})
	}
}

func TestOneLimitedEventSlowsNoOther(t *testing.T) {
	f := newFixture(t)
	limited := limit(failure.ScopeAI, 0)
	answered := 0

	for n := range 3000 { // 30 seconds
		request := Ask(textMethod)
		request.Queued = true

		if f.call(request, n, nil) {
			answered++
		}

		if n%50 == 0 {
			f.call(request, 1_000_000, limited)
		}

		f.clock.Advance(10 * time.Millisecond)
	}

	if answered < 2500 {
		t.Errorf("%d of 3000 calls passed beside one event that Bird always limits, want nearly all", answered)
	}

	if closed := f.WaitAfter(Ask(textMethod), event(1_000_000), limited); closed != nil {
		t.Errorf("the event waits for %v, want a time of its own", closed)
	}
}

func TestOutageEndsWithASlowStart(t *testing.T) {
	f := newFixture(t)

	for n := range threshold {
		f.mustCall(Ask(textMethod), n, outage, true)
	}

	f.clock.Advance(openDuration)
	f.mustCall(Ask(textMethod), 0, nil, true)

	var inFlight []*Permit

	for n := range 10 {
		if permit, closed := f.Enter(Ask(textMethod), event(n)); closed == nil {
			inFlight = append(inFlight, permit)
		}
	}

	if len(inFlight) != 2 {
		t.Fatalf("%d calls in flight after the outage, want 2", len(inFlight))
	}

	for _, permit := range inFlight {
		f.done(permit, nil)
	}

	for n := range 20 {
		f.call(Ask(textMethod), n, nil)
	}

	if n, _ := f.Admit(scopeAI, 100); n < 10 {
		t.Errorf("%d calls admitted after several successes, want more each time", n)
	}
}
