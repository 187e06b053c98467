// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

const (
	maxNumbers = 4096   // phone numbers whose throughput is tracked
	maxWindow  = 10_000 // sends that a throughput remembers
)

// limiter limits the calls of a scope.
type limiter interface {
	// available returns how many calls may be made now, or how long to wait for the next.
	available(now time.Time) (n int, wait time.Duration)
	// take consumes one available call.
	take(now time.Time)
}

// throughput limits the sends of one phone number to an even rate with small bursts. It never allows more sends in a second
// than Meta. Unused sends expire, so a pause accumulates none.
type throughput struct {
	perSecond  int
	tokens     float64
	refilledAt time.Time
	sends      []time.Time // ring buffer of the newest, as many as Meta allows in a second
	next       int
}

func newThroughput(perSecond int, now time.Time) *throughput {
	t := &throughput{
		perSecond:  perSecond,
		refilledAt: now,
		sends:      make([]time.Time, min(perSecond, maxWindow)),
	}
	t.tokens = t.burst()

	return t
}

func (t *throughput) burst() float64 { return max(1, float64(t.perSecond)/10) }

// available implements limiter.
func (t *throughput) available(now time.Time) (int, time.Duration) {
	if passed := now.Sub(t.refilledAt).Seconds(); passed > 0 {
		t.tokens = min(t.tokens+passed*float64(t.perSecond), t.burst())
		t.refilledAt = now
	}

	if t.tokens < 1 {
		return 0, time.Duration((1 - t.tokens) / float64(t.perSecond) * float64(time.Second))
	}

	if wait := time.Second - now.Sub(t.sends[t.next]); wait > 0 {
		return 0, wait
	}

	n := 1
	for n < int(t.tokens) && now.Sub(t.sends[(t.next+n)%len(t.sends)]) >= time.Second {
		n++
	}

	return n, 0
}

// take implements limiter.
func (t *throughput) take(now time.Time) {
	t.tokens--
	t.sends[t.next] = now
	t.next = (t.next + 1) % len(t.sends)
}

// number returns the throughput of a phone number's scope, which it creates if needed. The table is bounded: clearing it
// allows each number one more burst. The caller holds the lock.
func (g *Gate) number(name string, now time.Time) *throughput {
	perSecond := max(1, g.settings.CloudAPI.MessagesPerSecond)

	t := g.numbers[name]
	if t == nil || t.perSecond != perSecond {
		if len(g.numbers) >= maxNumbers {
			clear(g.numbers)
		}

		t = newThroughput(perSecond, now)
		g.numbers[name] = t
	}

	return t
}

// limiterOf returns the limiter of a scope, or nil. The caller holds the lock.
func (g *Gate) limiterOf(name string, kind failure.Scope, now time.Time) limiter {
	switch {
	case name == scopeMedia:
		g.media.size = max(1, g.settings.Processing.Concurrency/2)
		return &g.media
	case kind == failure.ScopeNumber:
		return g.number(name, now)
	case belongsTo(name, AI) && g.pacers[name] != nil:
		return g.pacers[name]
	default:
		return nil
	}
}

// takeThroughput consumes what the limiters of a call's scopes count, or returns the scope that has nothing left. The
// caller holds the lock.
func (g *Gate) takeThroughput(call Call, now time.Time) *Closed {
	var limits []limiter

	for _, scope := range call.Scopes {
		limit := g.limiterOf(scope.Name, scope.Kind, now)
		if limit == nil {
			continue
		}

		n, wait := limit.available(now)
		if n > 0 && (call.Queued || !g.queues[scope.Name]) {
			limits = append(limits, limit)
			continue
		}

		return &Closed{
			Scope:  scope,
			Reason: Throughput,
			Until:  now.Add(wait),
		}
	}

	for _, limit := range limits {
		limit.take(now)
	}

	return nil
}

// Rate is how many messages a phone number sent in the last second, and how many it may.
type Rate struct {
	Number string `json:"phone_number_id"`
	Sent   int    `json:"sent"`
	Limit  int    `json:"limit"`
}

// Rates returns the rates of the phone numbers that sent messages, the busiest first.
func (g *Gate) Rates() []Rate {
	g.mu.Lock()
	defer g.unlock()

	now := g.Clock.Now()
	rates := make([]Rate, 0, len(g.numbers))

	for name, t := range g.numbers {
		_, number, _ := strings.Cut(name, ":")
		rate := Rate{Number: number, Limit: t.perSecond}

		for _, at := range t.sends {
			if now.Sub(at) < time.Second {
				rate.Sent++
			}
		}

		rates = append(rates, rate)
	}

	slices.SortFunc(rates, func(a, b Rate) int {
		return cmp.Or(cmp.Compare(b.Sent, a.Sent), cmp.Compare(a.Number, b.Number))
	})

	return rates
}
