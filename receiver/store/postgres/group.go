// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// maxWeight limits the events in one batch, besides the number of its calls, so that the first call does not wait long.
const maxWeight = 2000

// A batch smaller than the previous one waits for more calls, for a fraction of the duration of the previous one.
const (
	waitFraction = 8
	maxWait      = 2 * time.Millisecond
)

// weighted is the value of a call.
type weighted interface {
	weight() int // in events
}

// group runs calls that wait at the same time in one transaction, and so with a few statements and one commit.
//
// One transaction runs at a time, and takes every call that arrived during the previous one. With several transactions,
// each would have fewer calls and cost the database more.
type group[T weighted] struct {
	store    *Store
	transact transactFunc
	run      runFunc[T]
	settle   func(*groupcommit.Call[T]) // called before the outcome of a call is returned; may be nil
	queue    *groupcommit.Queue[T]
	worker   sync.WaitGroup
}

// transactFunc runs a function in a transaction, such as [Store.write].
type transactFunc func(context.Context, func(context.Context, *tx) error) error

// runFunc runs the calls of a batch in a transaction. If only one call failed, it sets Err of that call, and must have
// written nothing for it. An error that it returns fails the batch and rolls the transaction back.
type runFunc[T any] func(context.Context, *tx, []*groupcommit.Call[T]) error

func newGroup[T weighted](s *Store, transact transactFunc, run runFunc[T], settle func(*groupcommit.Call[T])) *group[T] {
	g := &group[T]{
		store:    s,
		transact: transact,
		run:      run,
		settle:   settle,
		queue:    groupcommit.New[T](s.options.Queue),
	}
	g.worker.Go(g.work)

	return g
}

// do returns the outcome of a call once its writes are durable. See [groupcommit.Queue.DoNoWait].
func (g *group[T]) do(ctx context.Context, value T) error {
	err := g.queue.DoNoWait(ctx, value)
	if ended := ctx.Err(); ended != nil && errors.Is(err, ended) {
		return sanitizeError(ctx, err)
	}

	return err
}

// close runs the queued calls and ends the worker.
func (g *group[T]) close() {
	g.queue.Close()
	g.worker.Wait()
}

func (g *group[T]) work() {
	var (
		lastSize     int
		lastDuration time.Duration
	)

	for first := range g.queue.Calls() {
		batch := g.batch(first, lastSize, min(lastDuration/waitFraction, maxWait))
		started := g.store.clock.Now()

		if err := g.commit(batch); (refused(err) || errors.Is(err, errPanicked)) && len(batch) > 1 {
			// One call has failed, or the batch conflicted with other receivers: run each call separately.
			for i := range batch {
				_ = g.commit(batch[i : i+1]) // the call has the error
			}
		}

		lastSize = len(batch)
		lastDuration = g.store.clock.Since(started)

		for _, c := range batch {
			if g.settle != nil {
				g.settle(c)
			}

			c.Finish()
		}
	}
}

// batch returns the first call and those waiting behind it. While they are fewer than the last batch, whose callers may be
// about to make their next call, it waits a little for more.
func (g *group[T]) batch(first *groupcommit.Call[T], lastSize int, wait time.Duration) []*groupcommit.Call[T] {
	var (
		batch   []*groupcommit.Call[T]
		timeout <-chan time.Time
	)

	weight := 0

	for c := first; c != nil; {
		if c.Take() {
			batch = append(batch, c)
			weight += c.Value.weight()
		}

		if len(batch) >= groupcommit.MaxBatch || weight >= maxWeight {
			break
		}

		select {
		case c = <-g.queue.Calls(): // nil once the queue is closed
			continue
		default:
			c = nil
		}

		if len(batch) >= lastSize {
			break
		}

		if timeout == nil {
			timeout = g.store.clock.After(wait)
		}

		select {
		case c = <-g.queue.Calls():
		case <-timeout:
		}
	}

	return batch
}

func (g *group[T]) commit(batch []*groupcommit.Call[T]) error {
	if len(batch) == 0 {
		return nil
	}

	err := g.transact(context.Background(), func(ctx context.Context, t *tx) error {
		for _, c := range batch {
			c.Err = nil
		}

		return g.run(ctx, t, batch)
	})
	if err != nil {
		for _, c := range batch {
			c.Err = err
		}
	}

	return err
}
