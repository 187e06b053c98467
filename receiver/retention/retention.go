// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package retention purges events past their retention. One of the receivers that share a store does so.
package retention

import (
	"context"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/election"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	purgeEvery = 10 * time.Minute
	// leadershipTerm is the time after which another receiver takes over from a dead leader.
	leadershipTerm = 3 * purgeEvery / 2
	// batchSize is small enough that deliveries do not wait for a batch.
	batchSize = 1000
	// minEventAge is how long a duplicate must be recognized: Meta redelivers for up to 7 days.
	minEventAge = 8 * 24 * time.Hour
)

// Store is purged. A store.Store implements it.
type Store interface {
	election.Store

	// Purge removes payloads and events that were finished before the given times, at most limit of each, and returns the
	// number of changed entries.
	Purge(ctx context.Context, payloads, events time.Time, limit int) (int, error)
}

// Parts are the dependencies of a Purger. All are required.
type Parts struct {
	Store  Store
	Holder string // the unique name of this receiver
	Live   *config.Live
	Clock  clockwork.Clock
	Log    *slog.Logger
}

// Purger purges the store regularly while it is the leader.
type Purger struct {
	Parts

	candidate *election.Candidate
}

// New returns a Purger. Run starts it.
func New(parts Parts) *Purger {
	return &Purger{
		Parts:     parts,
		candidate: election.NewCandidate(parts.Store, store.JobRetention, parts.Holder, parts.Clock),
	}
}

// Run purges until ctx ends.
func (p *Purger) Run(ctx context.Context) {
	ticker := p.Clock.NewTicker(purgeEvery)
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
	leading, _, err := p.candidate.Acquire(ctx, leadershipTerm)
	if err != nil && ctx.Err() == nil {
		p.Log.Error("leader election for retention failed", "error", err)
	}

	if !leading {
		return
	}

	now := p.Clock.Now()
	retention := time.Duration(p.Live.Current().Store.RetentionDays) * 24 * time.Hour
	payloads := now.Add(-retention)
	events := now.Add(-max(retention, minEventAge))

	for ctx.Err() == nil {
		changed, err := p.Store.Purge(ctx, payloads, events, batchSize)
		if err != nil && ctx.Err() == nil {
			p.Log.Error("purge of events past their retention failed", "error", err)
		}

		if err != nil || changed < batchSize {
			return
		}
	}
}
