// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// The receivers' times, so that they notice the end of an outage within the trial.
const (
	openDuration       = 500 * time.Millisecond
	configurationRetry = 500 * time.Millisecond
	// birdTimeout is longer than the slowest answer of Bird, and shorter than most outages.
	birdTimeout = 3 * time.Second
	// shortestOutage is longer than a message could spend all its retries in, if an outage used them up.
	shortestOutage = 5 * time.Second
)

// manner is how Bird fails every call during an outage.
type manner struct {
	name  string
	fault standin.Fault
}

var manners = []manner{
	{"503", standin.Fault{Status: http.StatusServiceUnavailable}},
	{"no connection", standin.Fault{Cut: standin.CutBefore}},
	{"no answer", standin.Fault{Hang: true}},
	{"429", standin.Fault{Status: http.StatusTooManyRequests}},
	{"429 with Retry-After", standin.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"}},
	{"refused key", standin.Fault{Status: http.StatusUnauthorized}},
}

// outage is a period in which Bird fails every call.
type outage struct {
	manner manner
	after  time.Duration // after the end of the one before
	lasts  time.Duration
}

// absence is an outage that took place.
type absence struct {
	Manner   string
	From, To time.Time
	Calls    int // that Bird got in this time
}

// planOutages spreads outages over span. Each manner is used before one is used again.
func planOutages(rng *rand.Rand, count int, longest, span time.Duration) []outage {
	order := rng.Perm(len(manners))
	all := make([]outage, count)

	quiet := span
	for i := range all {
		all[i].manner = manners[order[i%len(order)]]
		all[i].lasts = shortestOutage + upTo(rng, longest-shortestOutage)
		quiet -= all[i].lasts
	}

	for i := range all {
		all[i].after = upTo(rng, max(quiet, 0)/time.Duration(count))
	}

	return all
}

// suffer causes the outages one after another until ctx ends.
func (s *system) suffer(ctx context.Context, outages []outage) {
	for _, o := range outages {
		if !probe.Sleep(ctx, o.after) {
			return
		}

		s.ledger.beginOutage(o.manner.name)
		id := s.Bird.Faults.Add(o.manner.fault)

		probe.Sleep(ctx, o.lasts)

		s.Bird.Faults.Remove(id)
		s.ledger.endOutage()
	}
}

func (l *ledger) beginOutage(manner string) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.away = &absence{Manner: manner, From: time.Now()}
}

func (l *ledger) endOutage() {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.away.To = time.Now()
	l.outages = append(l.outages, *l.away)
	l.away = nil
}

// callDuringOutage reports whether Bird is away, and counts the call.
func (l *ledger) callDuringOutage() bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.away == nil {
		return false
	}

	l.away.Calls++

	return true
}
