// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package groupcommit queues the calls of many callers for one worker, which commits concurrent calls in one
// transaction.
//
// The queue and its rule for cancellation are the same for every engine of the store. The commit loop is not: each
// engine has its own, because they recover from a failed transaction in different ways.
package groupcommit

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// MaxBatch is the maximum number of calls in one transaction, so that the first of them does not wait long.
const MaxBatch = 256

// Queue is a bounded queue of calls. It is safe for concurrent use.
type Queue[T any] struct {
	calls chan *Call[T]

	mu     sync.RWMutex // held for reading while sending to calls, for writing while closing it
	closed bool
}

// Call is one queued operation.
type Call[T any] struct {
	Value T     // zero once the caller has withdrawn the call
	Err   error // outcome, set by the worker before Finish

	taken atomic.Bool
	done  chan struct{}
}

// New returns a queue for up to size waiting calls.
func New[T any](size int) *Queue[T] {
	return &Queue[T]{calls: make(chan *Call[T], size)}
}

// Do queues a call and returns its outcome. If ctx ends before the worker has taken the call, the call never runs. Once
// the worker has taken it, Do waits for the outcome even if ctx ends: use it for calls whose outcome the caller must know,
// such as a claim, whose leases would be lost otherwise.
func (q *Queue[T]) Do(ctx context.Context, value T) error {
	return q.do(ctx, value, true)
}

// DoNoWait is like Do, but returns when ctx ends even if the worker has taken the call. Its outcome is then unknown: use
// it for calls that are safe to repeat, such as a delivery, whose sender must not wait for a disk that hangs.
func (q *Queue[T]) DoNoWait(ctx context.Context, value T) error {
	return q.do(ctx, value, false)
}

func (q *Queue[T]) do(ctx context.Context, value T, wait bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}

	c, err := q.Submit(value)
	if err != nil {
		return err
	}

	select {
	case <-c.done:
		return c.Err
	case <-ctx.Done():
	}

	if withdrawn := c.Take(); withdrawn {
		// The call stays in the queue until the worker receives it, which a disk that hangs can delay for long.
		var none T

		c.Value = none
	} else if wait {
		<-c.done
		return c.Err
	}

	return ctx.Err()
}

// Submit queues a call without waiting for it. It returns [store.ErrBusy] if the queue is full, and [store.ErrClosed] if
// it is closed.
func (q *Queue[T]) Submit(value T) (*Call[T], error) {
	c := &Call[T]{Value: value, done: make(chan struct{})}

	q.mu.RLock()
	defer q.mu.RUnlock()

	if q.closed {
		return nil, store.ErrClosed
	}

	select {
	case q.calls <- c:
		return c, nil
	default:
		return nil, store.ErrBusy
	}
}

// Calls returns the channel from which the worker receives the calls in order. It is closed after the last call once the
// queue is closed. The worker must Take each call, and Finish those it has taken.
func (q *Queue[T]) Calls() <-chan *Call[T] { return q.calls }

// Len returns the number of waiting calls.
func (q *Queue[T]) Len() int { return len(q.calls) }

// Close refuses further calls. The worker still receives those in the queue. Closing it again has no effect.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()

	if !q.closed {
		q.closed = true
		close(q.calls)
	}
}

// Take reports whether the worker may run the call, which it may not if the caller has withdrawn it. It returns true once.
func (c *Call[T]) Take() bool { return c.taken.CompareAndSwap(false, true) }

// Finish returns Err to the caller.
func (c *Call[T]) Finish() { close(c.done) }

// Done returns a channel that is closed when the call is finished.
func (c *Call[T]) Done() <-chan struct{} { return c.done }
