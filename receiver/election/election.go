// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package election elects one leader for a job among the receivers that share a store. Leadership is a lease: it lasts for
// a term, and the leader renews it before the term ends.
package election

import (
	"context"
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"
)

// releaseTimeout limits the call that releases the leadership while the process shuts down.
const releaseTimeout = 2 * time.Second

// Store holds the leases. A store.Store implements it.
type Store interface {
	// AcquireLeadership makes holder the leader of a job until the given time, unless another holder leads it at now. It
	// reports whether holder is the leader, and returns the state that was last published for the job.
	AcquireLeadership(ctx context.Context, job, holder string, now, until time.Time) (held bool, state []byte, err error)

	// PublishState stores the leader's state for the other receivers.
	PublishState(ctx context.Context, job, holder string, state []byte) error
}

// Candidate stands for election as the leader of one job. It is not safe for concurrent use.
type Candidate struct {
	store   Store
	job     string
	holder  string
	clock   clockwork.Clock
	leading bool
}

// NewCandidate returns a candidate for a job. The holder is the name of this receiver, unique among the receivers that
// share the store.
func NewCandidate(store Store, job, holder string, clock clockwork.Clock) *Candidate {
	return &Candidate{
		store:  store,
		job:    job,
		holder: holder,
		clock:  clock,
	}
}

// Acquire acquires or renews the leadership for a term from now. It reports whether this candidate is the leader, and
// returns the state that a leader last published.
//
// If ctx ends during the call, the outcome is unknown: Acquire reports false, and Leading stays unchanged, so that Release
// still releases what the candidate held before.
func (c *Candidate) Acquire(ctx context.Context, term time.Duration) (leading bool, state []byte, err error) {
	now := c.clock.Now()

	leading, state, err = c.store.AcquireLeadership(ctx, c.job, c.holder, now, now.Add(term))
	if ctx.Err() != nil {
		return false, nil, ctx.Err()
	}

	c.leading = leading && err == nil
	if err != nil {
		return false, nil, fmt.Errorf("acquire leadership of %s: %w", c.job, err)
	}

	return leading, state, nil
}

// Leading reports whether the last call of Acquire succeeded.
func (c *Candidate) Leading() bool { return c.leading }

// Publish stores the state that the other candidates get from Acquire.
func (c *Candidate) Publish(ctx context.Context, state []byte) error {
	if err := c.store.PublishState(ctx, c.job, c.holder, state); err != nil {
		return fmt.Errorf("publish state of %s: %w", c.job, err)
	}

	return nil
}

// Lapse stops leading without a call to the store: the leadership ends with its term.
func (c *Candidate) Lapse() { c.leading = false }

// Release ends the leadership at once, so that another candidate can acquire it. It does nothing if this candidate does
// not lead. It works after ctx has ended, for a short time.
func (c *Candidate) Release(ctx context.Context) error {
	if !c.leading {
		return nil
	}

	c.leading = false

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()

	now := c.clock.Now()
	if _, _, err := c.store.AcquireLeadership(ctx, c.job, c.holder, now, now); err != nil {
		return fmt.Errorf("release leadership of %s: %w", c.job, err)
	}

	return nil
}
