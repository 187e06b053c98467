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
	measured    = time.Second // over which a pacer counts answered calls
	tenths      = 10          // of that time
	unlimitedAt = 1024        // calls in flight at which the slow start ends
	// burst is the time whose calls may start at once. The AI may accept no larger burst.
	burst = 10 * time.Millisecond
	// holdTime is how long a pacer stays below the rate at which the AI refused calls, before it raises the rate.
	holdTime = 20 * time.Second
	// rateTTL is how long after the last refused call the rate is unlimited again.
	rateTTL = 10 * time.Minute
	// maxRefused bounds the events whose refused calls are counted.
	maxRefused = 16

	underRate   = 0.97 // of the measured rate: the rate after a refused call
	lowestRate  = 0.95 // of the previous rate: the rate after a single refused call
	manyRefused = 0.10 // share of refused calls from which the answered calls are the capacity of the AI
	firstGrowth = 1.0  // a second: the rate doubles until a call is refused again
	lastGrowth  = 0.01 // a second
	fineGrowth  = 0.05 // growth below which the rate is stable and is raised rarely
)

// pacer adapts the calls to a target to what it accepts. After an outage it starts with two calls in flight and one more
// for each success. After a refused call (429) it follows the measured rate of answered calls.
type pacer struct {
	inFlight int
	window   int // most calls in flight; 0 is unlimited

	rate        float64 // calls a second; 0 is unlimited
	growth      float64 // of the rate, a second; each refused call halves it
	tokens      float64
	refilledAt  time.Time
	limitedAt   time.Time // the last refused call that began after the one before
	pausedUntil time.Time // by Retry-After of the AI

	refused [maxRefused]refusedEvent // the last ones, newest first

	answered [tenths]int // calls in each tenth of a second
	limits   [tenths]int // refused calls
	counted  time.Time   // start of the newest tenth
}

// pacer returns the pacer of a circuit, which it creates if needed. The caller holds the lock.
func (g *Gate) pacer(name string) *pacer {
	p := g.pacers[name]
	if p == nil {
		p = &pacer{}
		g.pacers[name] = p
	}

	return p
}

// restart begins the slow start after an outage.
func (p *pacer) restart() { p.window = 2 }

// succeed counts an answered call.
func (p *pacer) succeed(now time.Time) {
	p.advance(now)
	p.answered[0]++

	if p.window > 0 {
		if p.window++; p.window > unlimitedAt {
			p.window = 0
		}
	}

	// The first refused call may come before the answers that show the rate.
	if p.rate > 0 && now.Sub(p.limitedAt) <= measured {
		p.rate = max(p.rate, underRate*p.answeredLastSecond(now))
	}
}

// refusedEvent counts the refused calls of one event.
type refusedEvent struct {
	event store.ID
	calls int
}

// count counts a refused call of an event.
func (p *pacer) count(event store.ID) {
	i := slices.IndexFunc(p.refused[:], func(r refusedEvent) bool { return r.event == event })
	if i < 0 {
		i = len(p.refused) - 1
		p.refused[i] = refusedEvent{event: event}
	}

	counted := p.refused[i]
	counted.calls++

	copy(p.refused[1:i+1], p.refused[:i])
	p.refused[0] = counted
}

// isEventLimit reports whether the AI repeatedly refuses one event while it answers others: the limit concerns that event only.
func (p *pacer) isEventLimit(event store.ID, now time.Time) bool {
	return p.answeredLastSecond(now) > 0 && slices.ContainsFunc(p.refused[:], func(r refusedEvent) bool {
		return r.event == event && r.calls > 2
	})
}

// limited lowers the rate after a refused call that began at began. Calls that began before the last decrease met the
// same limit.
func (p *pacer) limited(event store.ID, began, now time.Time, retryAfter time.Duration) {
	p.count(event)

	if p.isEventLimit(event, now) {
		return
	}

	p.limits[0]++
	seen := p.answeredLastSecond(now)

	isMany := float64(sum(p.limits)) > manyRefused*seen
	if isMany && p.rate > 0 {
		p.rate = min(p.rate, max(1, underRate*seen))
	}

	if began.Before(p.limitedAt) {
		return
	}

	if p.rate == 0 {
		p.growth = 2 * firstGrowth
	}

	if p.rate == 0 || !isMany {
		p.rate = max(1, underRate*seen, lowestRate*p.rate)
	}

	p.growth = max(p.growth/2, lastGrowth)
	p.limitedAt = now
	p.pausedUntil = now.Add(retryAfter)
	p.tokens = 0
	p.refilledAt = p.pausedUntil
}

// advance moves the window of the counters to now.
func (p *pacer) advance(now time.Time) {
	const width = measured / tenths

	steps := int(now.Sub(p.counted) / width)
	if steps <= 0 {
		return
	}

	if steps >= tenths {
		p.answered = [tenths]int{}
		p.limits = [tenths]int{}
		p.counted = now

		return
	}

	copy(p.answered[steps:], p.answered[:tenths-steps])
	copy(p.limits[steps:], p.limits[:tenths-steps])
	clear(p.answered[:steps])
	clear(p.limits[:steps])

	p.counted = p.counted.Add(time.Duration(steps) * width)
}

// answeredLastSecond returns the calls answered in the last second.
func (p *pacer) answeredLastSecond(now time.Time) float64 {
	p.advance(now)

	return float64(sum(p.answered))
}

func sum(counts [tenths]int) int {
	total := 0
	for _, n := range counts {
		total += n
	}

	return total
}

// available implements limiter.
func (p *pacer) available(now time.Time) (int, time.Duration) {
	if wait := p.pausedUntil.Sub(now); wait > 0 {
		return 0, wait
	}

	free := math.MaxInt
	if p.window > 0 {
		if free = p.window - p.inFlight; free <= 0 {
			return 0, measured / tenths
		}
	}

	if p.rate > 0 {
		p.refill(now)
	}

	if p.rate == 0 {
		return free, 0
	}

	if p.tokens < 1 {
		return 0, time.Duration((1 - p.tokens) / p.rate * float64(time.Second))
	}

	return min(free, int(p.tokens)), 0
}

// take implements limiter.
func (p *pacer) take(time.Time) {
	if p.rate > 0 {
		p.tokens--
	}
}

// refill adds the tokens since the last refill. The rate grows only while all tokens are used.
func (p *pacer) refill(now time.Time) {
	passed := now.Sub(p.refilledAt).Seconds()
	if passed <= 0 {
		return
	}

	p.refilledAt = now
	demand := p.tokens < 1

	p.tokens = min(p.tokens+passed*p.rate, max(1, p.rate*burst.Seconds()))

	since := now.Sub(p.limitedAt)
	isHeld := p.growth < fineGrowth && since < holdTime

	switch {
	case since > rateTTL:
		p.rate = 0
	case demand && !isHeld:
		p.rate *= 1 + p.growth*min(passed, 1)
	}

	if demand && since > holdTime { // the AI may accept much more than before
		p.growth = min(p.growth*(1+min(passed, 1)), firstGrowth)
	}
}
