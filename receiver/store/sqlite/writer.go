// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// maxBatchTime limits how long a batch takes further operations, besides their number, so that the first of them does not
// wait long. On a slow disk the limit is half the duration of the last commit.
const maxBatchTime = 4 * time.Millisecond

// operation is a function to run in a transaction, perhaps a second time after the first transaction was rolled back.
type operation = groupcommit.Call[func(*tx) error]

// writer owns the only connection that writes. Operations that wait at the same time share a transaction, and so the one
// fsync that makes it durable.
type writer struct {
	dsn        string
	clock      clockwork.Clock
	conn       *conn         // nil after a failure, until the next transaction opens it again
	committed  func()        // called after each batch
	lastCommit time.Duration // mostly spent in the disk
	queues     *queues
	capacity   int // of each queue
	evidence   evidence
	finished   chan struct{}
}

func newWriter(dsn string, c *conn, options Options, committed func()) *writer {
	w := &writer{
		dsn:       dsn,
		clock:     options.Clock,
		conn:      c,
		committed: committed,
		queues:    newQueues(options.Queue),
		capacity:  options.Queue,
		finished:  make(chan struct{}),
	}
	go w.work()

	return w
}

// do runs an operation and returns its outcome once it is durable. See [groupcommit.Queue.Do].
func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	return w.queues.steps.Do(ctx, run)
}

// doDeferrable is like do, for operations whose outcome delays nothing.
func (w *writer) doDeferrable(ctx context.Context, run func(*tx) error) error {
	return w.queues.deferrable.Do(ctx, run)
}

// deliver is like do, for deliveries: they go first, and their callers leave when ctx ends. See
// [groupcommit.Queue.DoNoWait].
func (w *writer) deliver(ctx context.Context, run func(*tx) error) error {
	return w.queues.deliveries.DoNoWait(ctx, run)
}

// deliverDeferrable is like deliver, for deliveries for which no person waits.
func (w *writer) deliverDeferrable(ctx context.Context, run func(*tx) error) error {
	return w.queues.deferrableDeliveries.DoNoWait(ctx, run)
}

// close runs the queued operations and closes the connection.
func (w *writer) close() error {
	w.queues.close()
	<-w.finished

	if w.conn == nil {
		return nil
	}

	return w.conn.close()
}

func (w *writer) work() {
	defer close(w.finished)

	batch := make([]*operation, 0, groupcommit.MaxBatch)

	for op := w.queues.first(); op != nil; op = w.queues.first() {
		w.evidence.begin(w.clock.Now())
		batch = w.commit(op, batch[:0])
		w.queues.end(len(batch))
		w.evidence.end(batch)

		for i, op := range batch {
			op.Finish()

			batch[i] = nil
		}

		w.committed()
	}
}

// commit runs the first operation and those waiting behind it in one transaction, and returns them with their outcome.
//
// If one fails after it has written, everything is rolled back and each operation runs in its own transaction: a
// failed operation leaves no trace and does not affect the others. If SQLite has rolled back by itself, as it does when
// the disk is full or fails, all fail.
func (w *writer) commit(first *operation, batch []*operation) []*operation {
	t, err := w.begin()
	started := w.clock.Now()

	for op := first; op != nil; op = w.next(len(batch), started) {
		if !op.Take() {
			continue
		}

		batch = append(batch, op)

		if err != nil {
			break
		}

		t.dirty = false
		if op.Err = op.Value(t); op.Err != nil && t.dirty {
			if w.rollback() {
				w.commitEach(batch)
				return batch
			}

			err = op.Err

			break
		}
	}

	if err == nil {
		err = w.end(t)
	}

	if err != nil {
		for _, op := range batch {
			op.Err = err
		}
	}

	return batch
}

// next returns the next waiting operation, or nil if there is none or the batch is full.
func (w *writer) next(taken int, started time.Time) *operation {
	limit := max(maxBatchTime, w.lastCommit/2)
	elapsed := w.clock.Since(started)

	if taken >= groupcommit.MaxBatch || elapsed > limit {
		return nil
	}

	return w.queues.next(taken >= groupcommit.MaxBatch*3/4 || elapsed > limit*3/4)
}

// commitEach runs every operation in its own transaction.
func (w *writer) commitEach(batch []*operation) {
	for _, op := range batch {
		t, err := w.begin()
		if err == nil {
			if err = op.Value(t); err != nil {
				w.rollback()
			} else {
				err = w.end(t)
			}
		}

		op.Err = err
	}
}

func (w *writer) begin() (*tx, error) {
	if w.conn == nil {
		c, err := connect(context.Background(), w.dsn)
		if err != nil {
			return nil, fmt.Errorf("reopen the store: %w", err)
		}

		w.conn = c
	}

	if _, err := w.conn.exec(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		w.disconnect()
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}

	return &tx{conn: w.conn}, nil
}

func (w *writer) end(t *tx) error {
	if err := t.applyTally(); err != nil {
		w.rollback()
		return fmt.Errorf("update the counts: %w", err)
	}

	started := w.clock.Now()

	if _, err := w.conn.exec(context.Background(), "COMMIT"); err != nil {
		w.disconnect()
		return fmt.Errorf("commit: %w", err)
	}

	ended := w.clock.Now()
	w.lastCommit = ended.Sub(started)

	if t.wrote {
		w.evidence.commit(ended)
	}

	return nil
}

// rollback reports whether there was still a transaction to roll back.
func (w *writer) rollback() bool {
	if _, err := w.conn.exec(context.Background(), "ROLLBACK"); err != nil {
		w.disconnect()
		return false
	}

	return true
}

// disconnect drops a connection in an unknown state. Closing it rolls back an open transaction. The next transaction
// connects again, so the store recovers together with the disk.
func (w *writer) disconnect() {
	_ = w.conn.close() // the failure that led here is the one to report
	w.conn = nil
}
