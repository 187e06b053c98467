// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package retention purges events past their retention. One of the receivers that share a store does so.
package retention

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/election"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	purgeInterval = 10 * time.Minute
	// leadershipTerm is the time after which another receiver takes over from a dead leader.
	leadershipTerm = 3 * purgeInterval / 2
	// batchSize is small enough that deliveries do not wait for a batch.
	batchSize = 1000
	// announceInterval is the interval at which dead letters are announced in the log before they are purged.
	announceInterval = 24 * time.Hour
	// minEventAge is how long a duplicate must be recognized: Meta redelivers for up to 7 days.
	minEventAge = 8 * 24 * time.Hour
)

// Store is purged. A store.Store implements it.
type Store interface {
	election.Store

	// Stats returns the figures of the store, of which the dead letters are announced.
	Stats(ctx context.Context, now time.Time) (store.Stats, error)

	// Purge removes what ended before the given times, at most limit entries of each sort, and returns the number of
	// changed entries.
	Purge(ctx context.Context, before store.Expiry, limit int) (int, error)
}

// Dependencies are the dependencies of a Purger. All are required.
type Dependencies struct {
	Store  Store
	Holder string // the unique name of this receiver
	Live   *config.Live
	Clock  clockwork.Clock
	Log    *slog.Logger
}

// Purger purges the store regularly while it is the leader.
type Purger struct {
	Dependencies

	candidate *election.Candidate
	announced time.Time // when dead letters were last announced

	mu    sync.Mutex
	known state // that a leader last published
}

// New returns a Purger. Run starts it.
func New(dependencies Dependencies) *Purger {
	return &Purger{
		Dependencies: dependencies,
		candidate:    election.NewCandidate(dependencies.Store, store.JobRetention, dependencies.Holder, dependencies.Clock),
	}
}

// Run purges until ctx ends.
func (p *Purger) Run(ctx context.Context) {
	ticker := p.Clock.NewTicker(purgeInterval)
	defer ticker.Stop()

	for {
		p.purge(ctx)

		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
	}
}

func (p *Purger) purge(ctx context.Context) {
	leading, published, err := p.candidate.Acquire(ctx, leadershipTerm)
	if err != nil && ctx.Err() == nil {
		p.Log.Error("leader election for retention failed", "error", err)
	}

	if err != nil {
		return
	}

	known := read(published)
	p.adopt(known)

	if !leading {
		return
	}

	now := p.Clock.Now()
	settings := p.Live.Current().Store
	before := store.Expiry{Payloads: now.Add(-settings.Retention()), Events: now.Add(-max(settings.Retention(), minEventAge))}

	if known.shortenedBy(settings) {
		p.announced = time.Time{} // what is announced now is more
	}

	known = known.with(now, settings)
	p.publish(ctx, known)

	periods := known.Announced
	if since, enough := periods.last(settings.ExpiryNotice()); enough {
		before.DeadLetters = since.Add(settings.ExpiryNotice() - settings.DeadLetterRetention())
	}

	p.remove(ctx, before)
	p.announce(ctx, settings, now, periods)
}

// announce logs the dead letters that are purged soon.
func (p *Purger) announce(ctx context.Context, settings config.Store, now time.Time, periods periods) {
	if age := now.Sub(p.announced); age >= 0 && age < announceInterval {
		return
	}

	stats, err := p.Store.Stats(ctx, now)
	if err != nil {
		if ctx.Err() == nil {
			p.Log.Error("counting dead letters near their purge failed", "error", err)
		}

		return
	}

	if stats.OldestDeadLetterAge(now) <= settings.DeadLetterRetention()-settings.ExpiryNotice() {
		return
	}

	p.announced = now
	p.Log.Warn("dead letters or quarantined events are purged soon: replay or discard them",
		"dead_letters", stats.DeadLetters,
		"quarantined", stats.Quarantined,
		"first_at", periods.end(stats.OldestDeadLetter.Add(settings.DeadLetterRetention()), settings.ExpiryNotice(), now))
}

// remove purges in batches until nothing is left to purge. What cannot be purged does not stop it while there is other data.
func (p *Purger) remove(ctx context.Context, before store.Expiry) {
	for isLogged := false; ctx.Err() == nil; {
		changed, err := p.Store.Purge(ctx, before, batchSize)
		if err != nil && ctx.Err() == nil && !isLogged {
			p.Log.Error("purge failed", "error", err)

			isLogged = true
		}

		if changed < batchSize {
			return
		}
	}
}
