// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
)

const (
	// clockStep is the minimum backward step of the clock that the engine handles.
	clockStep = time.Second
	// clockSkew is the tolerated difference between the clocks of receivers: a time that another receiver has just set may
	// be ahead by it.
	clockSkew = 10 * time.Second
	// minScheduleInterval is the shortest time between two reads of the schedule.
	minScheduleInterval = 20 * time.Millisecond
)

// followSchedule reads the schedule of each class from the store regularly, until ctx ends. It finds the events that other
// receivers stored, postponed or paused, and the lanes of dead receivers. An idle receiver makes no other call to
// the store for its work.
func (e *Engine) followSchedule(ctx context.Context) {
	var last time.Time

	for ctx.Err() == nil {
		now := e.Clock.Now().Round(0) // without the monotonic clock, which never goes back

		if last.IsZero() || now.Before(last.Add(-clockStep)) {
			if err := e.Store.RepairClock(ctx, now.Add(clockSkew)); err != nil {
				if ctx.Err() == nil {
					// No outage is recorded: that of a database fails the read of the schedule too, but damage does not end.
					e.sampled.Error("rescheduling lanes that a fast clock postponed failed", "error", err)
				}

				now = time.Time{} // again at the next poll
			}
		}

		last = now

		e.readSchedule(ctx)

		poll := e.Live.Current().Processing.Poll
		e.sleep(ctx, min(poll, minScheduleInterval), nil)
		e.sleep(ctx, poll-minScheduleInterval, e.scheduleAsked)
	}
}

// sleep returns after a time, when woken, or when ctx ends.
func (e *Engine) sleep(ctx context.Context, wait time.Duration, woken <-chan struct{}) {
	if wait <= 0 {
		return
	}

	timer := e.Clock.NewTimer(wait)
	defer timer.Stop()

	select {
	case <-ctx.Done():
	case <-woken:
	case <-timer.Chan():
	}
}

func (e *Engine) readSchedule(ctx context.Context) {
	asked := e.Clock.Now()

	schedules, pauses, err := e.Store.Schedule(ctx, asked.Add(-gate.LevelTTL))
	if err != nil {
		if ctx.Err() == nil {
			e.outage.record(e.Clock.Now(), err)
			e.sampled.Error("reading when lanes are due failed", "error", err)
		}

		return
	}

	e.endProblems(e.gate.Adopt(pauses, asked))

	if err := e.gate.Problems().Share(ctx); err != nil {
		e.sampled.Error("sharing problems with the other receivers failed", "error", err)
	}

	for i, p := range e.pools {
		p.follow(schedules[i])
	}
}
