// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// A batch takes no further operation after either bound, so that the first of them does not wait long: the time is this,
	// or half of what the last commit took where the disk is slow.
	maxBatch     = 256
	maxBatchTime = 4 * time.Millisecond
)

// writer owns the one connection that writes. Operations that wait at the same time share a transaction, and so the
// one fsync that makes it durable.
type writer struct {
	dsn      string
	conn     *conn         // nil after a failure, until it is opened again
	wrote    func()        // called after each batch
	took     time.Duration // of the last commit, which is mostly the disk's
	finished chan struct{}

	mu     sync.RWMutex // keeps queue from being closed while something is sent to it
	closed bool
	queue  chan *operation
}

// operation is a function to be run in a transaction, perhaps a second time after the first was rolled back.
type operation struct {
	run   func(*tx) error
	taken atomic.Bool
	done  chan error
	err   error
}

func newWriter(dsn string, c *conn, queue int, wrote func()) *writer {
	w := &writer{
		dsn:      dsn,
		conn:     c,
		wrote:    wrote,
		queue:    make(chan *operation, queue),
		finished: make(chan struct{}),
	}
	go w.work()

	return w
}

// do runs an operation and returns once it is durable. An operation that has not begun when ctx ends is not run. One
// that has begun is awaited, since its outcome is then decided: a caller that left would, for one, never work the lanes
// it had leased.
func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	op, err := w.submit(ctx, run)
	if err != nil {
		return err
	}

	select {
	case err := <-op.done:
		return err
	case <-ctx.Done():
		if op.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}

		return <-op.done
	}
}

// try runs an operation that may be run again. When ctx ends it returns, whatever becomes of it: a disk that hangs must not
// keep callers who can tell others to come again.
func (w *writer) try(ctx context.Context, run func(*tx) error) error {
	op, err := w.submit(ctx, run)
	if err != nil {
		return err
	}

	select {
	case err := <-op.done:
		return err
	case <-ctx.Done():
		op.taken.Store(true)
		return ctx.Err()
	}
}

func (w *writer) submit(ctx context.Context, run func(*tx) error) (*operation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	op := &operation{run: run, done: make(chan error, 1)}

	w.mu.RLock()
	defer w.mu.RUnlock()

	if w.closed {
		return nil, store.ErrClosed
	}

	select {
	case w.queue <- op:
		return op, nil
	default:
		return nil, store.ErrBusy
	}
}

// close runs what is in the queue and ends.
func (w *writer) close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.finished

	if w.conn == nil {
		return nil
	}

	return w.conn.close()
}

func (w *writer) work() {
	defer close(w.finished)

	batch := make([]*operation, 0, maxBatch)
	for op := range w.queue {
		batch = w.commit(op, batch[:0])
		for i, op := range batch {
			op.done <- op.err

			batch[i] = nil
		}

		w.wrote()
	}
}

// commit runs the first operation and those that wait behind it in one transaction, and returns them with their
// outcome. When one fails after it has written, all is rolled back and each runs in a transaction of its own: so an
// operation that fails leaves no trace, and spoils nothing for the others. Where SQLite has rolled back by itself, as it
// does when the disk is full or fails, all fail.
func (w *writer) commit(first *operation, batch []*operation) []*operation {
	t, err := w.begin()

	started := time.Now()
	for op := first; op != nil; op = w.next(len(batch), started) {
		if !op.taken.CompareAndSwap(false, true) {
			continue
		}

		batch = append(batch, op)

		if err != nil {
			break
		}

		t.spoilt = false
		if op.err = op.run(t); op.err != nil && t.spoilt {
			if w.rollback() {
				w.each(batch)
				return batch
			}

			err = op.err

			break
		}
	}

	if err == nil {
		err = w.end(t)
	}

	if err != nil {
		for _, op := range batch {
			op.err = err
		}
	}

	return batch
}

func (w *writer) next(taken int, started time.Time) *operation {
	if taken >= maxBatch || time.Since(started) > max(maxBatchTime, w.took/2) {
		return nil
	}

	select {
	case op := <-w.queue:
		return op
	default:
		return nil
	}
}

// each runs every operation in a transaction of its own.
func (w *writer) each(batch []*operation) {
	for _, op := range batch {
		t, err := w.begin()
		if err == nil {
			if err = op.run(t); err != nil {
				w.rollback()
			} else {
				err = w.end(t)
			}
		}

		op.err = err
	}
}

func (w *writer) begin() (*tx, error) {
	if w.conn == nil {
		c, err := connect(context.Background(), w.dsn)
		if err != nil {
			return nil, fmt.Errorf("open the store again: %w", err)
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
	if err := t.count(); err != nil {
		w.rollback()
		return fmt.Errorf("count events: %w", err)
	}

	began := time.Now()

	if _, err := w.conn.exec(context.Background(), "COMMIT"); err != nil {
		w.disconnect()
		return fmt.Errorf("commit: %w", err)
	}

	w.took = time.Since(began)

	return nil
}

// rollback says whether there was still a transaction to end.
func (w *writer) rollback() bool {
	if _, err := w.conn.exec(context.Background(), "ROLLBACK"); err != nil {
		w.disconnect()
		return false
	}

	return true
}

// disconnect gives up a connection of unknown state. Closing rolls back what is open; the next transaction connects
// anew, and so works again when the disk does.
func (w *writer) disconnect() {
	_ = w.conn.close() // the failure that led here is the one to report
	w.conn = nil
}

// tx is the transaction in progress.
type tx struct {
	conn   *conn
	spoilt bool // something was written, or failed in SQLite, since it was last set to false
	// what the transaction adds to the row of counts
	pending, statuses, notices, dead, quarantined int64
}

func (t *tx) exec(sql string, args ...driver.Value) (changed int64, err error) {
	t.spoilt = true

	result, err := t.conn.exec(context.Background(), sql, args...)
	if err != nil {
		return 0, err
	}

	return result.RowsAffected()
}

func (t *tx) insert(sql string, args ...driver.Value) (inserted bool, rowid int64, err error) {
	t.spoilt = true

	result, err := t.conn.exec(context.Background(), sql, args...)
	if err != nil {
		return false, 0, err
	}

	changed, err := result.RowsAffected()
	if err != nil || changed == 0 {
		return false, 0, err
	}

	rowid, err = result.LastInsertId()

	return true, rowid, err
}

func (t *tx) query(sql string, each func(row) error, args ...driver.Value) error {
	err := t.conn.query(context.Background(), sql, each, args...)
	if err != nil {
		t.spoilt = true
	}

	return err
}

// returning runs a statement that writes and returns rows.
func (t *tx) returning(sql string, each func(row) error, args ...driver.Value) error {
	t.spoilt = true
	return t.conn.query(context.Background(), sql, each, args...)
}

// counted notes that an event of a class went from one state to another; either may be empty.
func (t *tx) counted(class store.Class, from, to store.State) {
	for _, change := range [...]struct {
		state store.State
		n     int64
	}{{from, -1}, {to, 1}} {
		switch change.state {
		case store.Pending:
			switch class {
			case store.Statuses:
				t.statuses += change.n
			case store.Notices:
				t.notices += change.n
			default:
				t.pending += change.n
			}
		case store.Dead:
			t.dead += change.n
		case store.Quarantined:
			t.quarantined += change.n
		}
	}
}

func (t *tx) count() error {
	if t.pending == 0 && t.statuses == 0 && t.notices == 0 && t.dead == 0 && t.quarantined == 0 {
		return nil
	}

	_, err := t.exec(`
		UPDATE counts SET pending = pending + ?, pending_statuses = pending_statuses + ?,
			pending_notices = pending_notices + ?, dead = dead + ?, quarantined = quarantined + ?`,
		t.pending, t.statuses, t.notices, t.dead, t.quarantined)

	return err
}
