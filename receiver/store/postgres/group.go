// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// A batch takes no further call after either bound, so that the first of them does not wait long.
const (
	maxBatch  = 256
	maxWeight = 2000
)

// A batch that is smaller than the last one waits for more calls: for a fraction of the time that the last one took.
const (
	waitFraction = 8
	maxWait      = 2 * time.Millisecond
)

// group runs calls that wait at the same time in one transaction, and so with a few statements and one commit. One
// transaction runs at a time, and takes all that came during the one before: with more of them each would be of fewer
// calls, and cost the database more.
type group[T any] struct {
	run    func(context.Context, *tx, []*call[T]) error
	store  *Store
	worker sync.WaitGroup

	mu     sync.RWMutex // keeps queue from being closed while something is sent to it
	closed bool
	queue  chan *call[T]
}

// call is one of them. Run reports in err what is wrong with this one alone, having written nothing for it; an
// error that run returns is that of all, and nothing was written.
type call[T any] struct {
	what   T
	weight int // in events
	taken  atomic.Bool
	done   chan struct{}
	err    error // valid when done, as what run has put into what is
}

func newGroup[T any](s *Store, run func(context.Context, *tx, []*call[T]) error) *group[T] {
	g := &group[T]{
		run:   run,
		store: s,
		queue: make(chan *call[T], s.options.Queue),
	}
	g.worker.Go(g.work)

	return g
}

// do returns once what the call writes is durable. One that no transaction has begun with when ctx ends is not run; of
// another one the caller who leaves does not learn the outcome, and can make it again.
func (g *group[T]) do(ctx context.Context, what T, weight int) error {
	if err := ctx.Err(); err != nil {
		return err
	}

	c := &call[T]{
		what:   what,
		weight: weight,
		done:   make(chan struct{}),
	}
	if err := g.submit(c); err != nil {
		return err
	}

	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		c.taken.CompareAndSwap(false, true)
		return conceal(ctx, ctx.Err())
	}
}

func (g *group[T]) submit(c *call[T]) error {
	g.mu.RLock()
	defer g.mu.RUnlock()

	if g.closed {
		return store.ErrClosed
	}

	select {
	case g.queue <- c:
		return nil
	default:
		return store.ErrBusy
	}
}

// close runs what is in the queue and ends.
func (g *group[T]) close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.queue)
	}
	g.mu.Unlock()
	g.worker.Wait()
}

func (g *group[T]) work() {
	var (
		last int
		took time.Duration
	)
	for first := range g.queue {
		batch := g.batch(first, last, min(took/waitFraction, maxWait))
		began := time.Now()

		if err := g.commit(batch); refused(err) && len(batch) > 1 {
			// One of them is at fault, or all were in the way of others: each has its own outcome.
			for i := range batch {
				_ = g.commit(batch[i : i+1]) // it is the call's
			}
		}

		last = len(batch)
		took = time.Since(began)

		for _, c := range batch {
			close(c.done)
		}
	}
}

// batch takes what waits behind the first call. As long as that is less than the last batch, whose callers may be on their
// way back with the next call, it waits a little for more.
func (g *group[T]) batch(first *call[T], last int, wait time.Duration) []*call[T] {
	var (
		batch  []*call[T]
		enough <-chan time.Time
	)

	weight := 0
	for c := first; c != nil; {
		if c.taken.CompareAndSwap(false, true) {
			batch = append(batch, c)
			weight += c.weight
		}

		if len(batch) >= maxBatch || weight >= maxWeight {
			break
		}

		select {
		case c = <-g.queue: // nil when it is closed
			continue
		default:
			c = nil
		}

		if len(batch) >= last {
			break
		}

		if enough == nil {
			enough = time.After(wait)
		}

		select {
		case c = <-g.queue:
		case <-enough:
		}
	}

	return batch
}

func (g *group[T]) commit(batch []*call[T]) error {
	if len(batch) == 0 {
		return nil
	}

	err := g.store.write(context.Background(), func(ctx context.Context, t *tx) error {
		for _, c := range batch {
			c.err = nil
		}

		return g.run(ctx, t, batch)
	})
	if err != nil {
		for _, c := range batch {
			c.err = err
		}
	}

	return err
}
