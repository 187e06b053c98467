// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package retention

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

const (
	// noticesPerAbsence divides the notice: a longer time without a purge is an absence, in which nothing is announced. For a
	// notice of a week that is a day, and for the shortest one longer than a new leader takes.
	noticesPerAbsence = 7
	// maxPeriods bounds what the leader publishes. Beyond it the oldest absence counts as announced.
	maxPeriods = 32
)

// state is what the leader publishes.
type state struct {
	Announced periods `json:"announced"`
	// DeadLetterDays is the retention that was announced; 0 in the state of an earlier build.
	DeadLetterDays int `json:"dead_letter_days"`
}

// period is a time in which the store was purged regularly, so that the log, /status and alerts announced dead letters.
type period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"` // of the last purge
}

// periods are those of a store, oldest first. Between them no receiver ran, or the store is a copy that was restored later.
type periods []period

// read returns the state that a leader published. Without one, nothing has been announced.
func read(published []byte) state {
	var known state
	if err := json.Unmarshal(published, &known); err != nil {
		return state{}
	}

	return known
}

// with returns the state of a purge at now. A shorter retention than the announced one ends that of events that nothing has
// announced, so all announcements begin anew.
func (s state) with(now time.Time, settings config.Store) state {
	if s.shortenedBy(settings) {
		s.Announced = nil
	}

	return state{
		Announced:      slices.Clone(s.Announced).with(now.UTC(), settings.ExpiryNotice()/noticesPerAbsence),
		DeadLetterDays: settings.DeadLetterDays,
	}
}

// shortenedBy reports whether the settings have a shorter retention than the announced one, or it is unknown.
func (s state) shortenedBy(settings config.Store) bool {
	return s.DeadLetterDays == 0 || settings.DeadLetterDays < s.DeadLetterDays
}

// publish records the periods in which dead letters were announced.
func (p *Purger) publish(ctx context.Context, known state) {
	p.adopt(known)

	data, err := json.Marshal(known)
	if err == nil {
		err = p.candidate.Publish(ctx, data)
	}

	if err != nil && ctx.Err() == nil {
		p.Log.Error("recording that dead letters are announced failed", "error", err)
	}
}

// adopt keeps the state of a leader for ExpireAt.
func (p *Purger) adopt(known state) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.known = known
}

// ExpireAt returns when the oldest dead letter or quarantined event is purged, unless no receiver runs meanwhile: at the end of
// its retention, or of its notice if that is later. It is now or later. It is safe for concurrent use with Run.
func (p *Purger) ExpireAt(oldest, now time.Time) time.Time {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()

	settings := p.Live.Current().Store

	return known.with(now, settings).Announced.end(oldest.Add(settings.DeadLetterRetention()), settings.ExpiryNotice(), now)
}

// with returns the periods with the period of a purge at now. A gap longer than absence since the last purge begins a new
// period.
func (p periods) with(now time.Time, absence time.Duration) periods {
	if len(p) > 0 {
		last := &p[len(p)-1]

		switch gap := now.Sub(last.To); {
		case gap < -absence:
			p = nil // the clock was ahead, perhaps for long
		case gap <= absence:
			if now.Before(last.From) {
				last.From = now
			}

			last.To = now

			return p
		}
	}

	p = append(p, period{From: now, To: now})

	if len(p) > maxPeriods {
		p[1].From = p[0].From
		p = p[1:]
	}

	return p
}

// last returns the begin of the newest periods that together last for a notice, and reports whether they exist. Dead letters
// that were announced then may be purged now.
func (p periods) last(notice time.Duration) (since time.Time, enough bool) {
	for _, announced := range slices.Backward(p) {
		length := announced.To.Sub(announced.From)
		if length >= notice {
			return announced.To.Add(-notice), true
		}

		notice -= length
	}

	return time.Time{}, false
}

// end returns when the notice of a dead letter ends that expires at a time, if no absence follows.
func (p periods) end(expires time.Time, notice time.Duration, now time.Time) time.Time {
	began := expires.Add(-notice)
	if began.After(now) {
		return expires
	}

	for _, announced := range p {
		if from := announced.From; from.After(began) {
			notice -= announced.To.Sub(from)
		} else {
			notice -= max(0, announced.To.Sub(began))
		}
	}

	return now.Add(max(0, notice))
}
