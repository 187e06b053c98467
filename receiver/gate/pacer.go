// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	measured    = time.Second // over which a flow counts answered calls
	tenths      = 10          // of that time
	unlimitedAt = 1024        // calls in flight at which the slow start ends
	// burst is the time whose calls may start at once. Bird may have no tokens to spare for more.
	burst = 10 * time.Millisecond
	// holdRate is how long a flow stays below the rate at which Bird refused calls before it tries more.
	holdRate = 20 * time.Second
	// forgetRate is how long after the last refused call the rate is unlimited again.
	forgetRate = 10 * time.Minute
	// maxRefused bounds the events whose refused calls are counted.
	maxRefused = 16

	underRate   = 0.97 // of the measured rate: the rate after a refused call
	lowestRate  = 0.95 // of the rate before: the rate after a single refused call
	manyRefused = 0.10 // of the calls: so many show that the answered ones are all that Bird accepts
	firstGrowth = 1.0  // a second: the rate doubles until a call is refused again
	lastGrowth  = 0.01 // a second
	fineGrowth  = 0.05 // from here on the rate is found, and the flow tries more only now and then
)

// flow adapts the calls to a target to what it accepts. After an outage it starts with two calls in flight and one more
// for each success. After a refused call (429) it follows the measured rate of answered calls.
type flow struct {
	inFlight int
	window   int // most calls in flight; 0 is unlimited

	rate        float64 // calls a second; 0 is unlimited
	growth      float64 // of the rate, a second; each refused call halves it
	tokens      float64
	refilledAt  time.Time
	limitedAt   time.Time // the last refused call that began after the one before
	pausedUntil time.Time // as Bird asked with Retry-After

	refused [maxRefused]refusedEvent // the last ones, newest first

	answered [tenths]int // calls in each tenth of a second
	limits   [tenths]int // refused calls
	counted  time.Time   // start of the newest tenth
}

// flow returns the flow of a circuit, which it creates if needed. The caller holds the lock.
func (g *Gate) flow(name string) *flow {
	f := g.flows[name]
	if f == nil {
		f = &flow{}
		g.flows[name] = f
	}

	return f
}

// restart begins the slow start after an outage.
func (f *flow) restart() { f.window = 2 }

// succeed counts an answered call.
func (f *flow) succeed(now time.Time) {
	f.advance(now)
	f.answered[0]++

	if f.window > 0 {
		if f.window++; f.window > unlimitedAt {
			f.window = 0
		}
	}

	// The first refused call may come before the answers that show the rate.
	if f.rate > 0 && now.Sub(f.limitedAt) <= measured {
		f.rate = max(f.rate, underRate*f.seen(now))
	}
}

// refusedEvent counts the refused calls of one event.
type refusedEvent struct {
	event store.ID
	calls int
}

// count counts a refused call of an event.
func (f *flow) count(event store.ID) {
	i := slices.IndexFunc(f.refused[:], func(r refusedEvent) bool { return r.event == event })
	if i < 0 {
		i = len(f.refused) - 1
		f.refused[i] = refusedEvent{event: event}
	}

	counted := f.refused[i]
	counted.calls++

	copy(f.refused[1:i+1], f.refused[:i])
	f.refused[0] = counted
}

// isAbout reports whether Bird refuses one event again and again while it answers others: the limit is not of all calls.
func (f *flow) isAbout(event store.ID, now time.Time) bool {
	return f.seen(now) > 0 && slices.ContainsFunc(f.refused[:], func(r refusedEvent) bool {
		return r.event == event && r.calls > 2
	})
}

// limited lowers the rate after a refused call that began at began. Calls that began before the last decrease met the
// same limit.
func (f *flow) limited(event store.ID, began, now time.Time, retryAfter time.Duration) {
	f.count(event)

	if f.isAbout(event, now) {
		return
	}

	f.limits[0]++
	seen := f.seen(now)

	isMany := float64(sum(f.limits)) > manyRefused*seen
	if isMany && f.rate > 0 {
		f.rate = min(f.rate, max(1, underRate*seen))
	}

	if began.Before(f.limitedAt) {
		return
	}

	if f.rate == 0 {
		f.growth = 2 * firstGrowth
	}

	if f.rate == 0 || !isMany {
		f.rate = max(1, underRate*seen, lowestRate*f.rate)
	}

	f.growth = max(f.growth/2, lastGrowth)
	f.limitedAt = now
	f.pausedUntil = now.Add(retryAfter)
	f.tokens = 0
	f.refilledAt = f.pausedUntil
}

// advance moves the counters to the present.
func (f *flow) advance(now time.Time) {
	const width = measured / tenths

	steps := int(now.Sub(f.counted) / width)
	if steps <= 0 {
		return
	}

	if steps >= tenths {
		f.answered = [tenths]int{}
		f.limits = [tenths]int{}
		f.counted = now

		return
	}

	copy(f.answered[steps:], f.answered[:tenths-steps])
	copy(f.limits[steps:], f.limits[:tenths-steps])
	clear(f.answered[:steps])
	clear(f.limits[:steps])

	f.counted = f.counted.Add(time.Duration(steps) * width)
}

// seen returns the calls answered in the last second.
func (f *flow) seen(now time.Time) float64 {
	f.advance(now)

	return float64(sum(f.answered))
}

func sum(counts [tenths]int) int {
	total := 0
	for _, n := range counts {
		total += n
	}

	return total
}

// available implements limiter.
func (f *flow) available(now time.Time) (int, time.Duration) {
	if wait := f.pausedUntil.Sub(now); wait > 0 {
		return 0, wait
	}

	free := math.MaxInt
	if f.window > 0 {
		if free = f.window - f.inFlight; free <= 0 {
			return 0, measured / tenths
		}
	}

	if f.rate > 0 {
		f.refill(now)
	}

	if f.rate == 0 {
		return free, 0
	}

	if f.tokens < 1 {
		return 0, time.Duration((1 - f.tokens) / f.rate * float64(time.Second))
	}

	return min(free, int(f.tokens)), 0
}

// take implements limiter.
func (f *flow) take(time.Time) {
	if f.rate > 0 {
		f.tokens--
	}
}

// refill adds the tokens since the last refill. The rate grows only while all tokens are used.
func (f *flow) refill(now time.Time) {
	passed := now.Sub(f.refilledAt).Seconds()
	if passed <= 0 {
		return
	}

	f.refilledAt = now
	demand := f.tokens < 1

	f.tokens = min(f.tokens+passed*f.rate, max(1, f.rate*burst.Seconds()))

	since := now.Sub(f.limitedAt)
	isHeld := f.growth < fineGrowth && since < holdRate

	switch {
	case since > forgetRate:
		f.rate = 0
	case demand && !isHeld:
		f.rate *= 1 + f.growth*min(passed, 1)
	}

	if demand && since > holdRate { // Bird may accept much more than before
		f.growth = min(f.growth*(1+min(passed, 1)), firstGrowth)
	}
}
