// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// Clock is the real clock, set ahead by Advance. Timers and tickers run in real time, so a receiver that polls notices
// the new time at once, however slow the machine is.
type Clock struct {
	clockwork.Clock
	ahead atomic.Int64
}

// NewClock returns a clock that shows the real time.
func NewClock() *Clock { return &Clock{Clock: clockwork.NewRealClock()} }

// Now returns the real time plus everything that Advance added.
func (c *Clock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.ahead.Load())) }

// Since returns the time since t.
func (c *Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Until returns the time until t.
func (c *Clock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }

// Advance sets the clock ahead.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }
