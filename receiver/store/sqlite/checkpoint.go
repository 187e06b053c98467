// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"
)

// A checkpoint copies the write-ahead log into the file. Afterwards the log starts over. Lengths are in pages.
const (
	pageSize = 4096 // SQLite's default
	// logPages is the length from which a commit runs the checkpoint itself before it returns, and so the limit of the
	// log.
	logPages = 8000
	// From copyFrom on the checkpointer copies at least copyPages at a time in advance, so that little is left for the
	// commit. Both shrink with the log.
	copyFrom  = 6000
	copyPages = 500
	// copyInterval is the minimum interval between two reads of the length of the log. Few pages are written in it.
	copyInterval = 20 * time.Millisecond
	// emptyTries is the number of tries to empty the log in quick succession. A try fails while a transaction reads or writes.
	emptyTries = 100
	// emptyDelay is the time between later tries, such as while a backup reads.
	emptyDelay = time.Second
)

// checkpointer copies the log beside the writer. A commit that did it would block all deliveries while the disk writes
// thousands of scattered pages.
type checkpointer struct {
	conn     *conn
	clock    clockwork.Clock
	limit    int64         // of the log
	wrote    chan struct{} // buffers one notification
	purged   chan struct{} // buffers one request to empty the log
	closing  chan struct{}
	finished chan struct{}
}

func newCheckpointer(c *conn, limit int64, clock clockwork.Clock) *checkpointer {
	k := &checkpointer{
		conn:     c,
		clock:    clock,
		limit:    limit,
		wrote:    make(chan struct{}, 1),
		purged:   make(chan struct{}, 1),
		closing:  make(chan struct{}),
		finished: make(chan struct{}),
	}
	go k.work()

	return k
}

// notify reports, without waiting, that the log has grown.
func (c *checkpointer) notify() {
	select {
	case c.wrote <- struct{}{}:
	default:
	}
}

// empty requests, without waiting, that the log is copied and then emptied: until it is overwritten, it holds what was
// deleted. A request stays until the log is empty, however long others read.
func (c *checkpointer) empty() {
	select {
	case c.purged <- struct{}{}:
	default:
	}
}

func (c *checkpointer) close() error {
	close(c.closing)
	<-c.finished

	return c.conn.close()
}

func (c *checkpointer) work() {
	defer close(c.finished)

	pause := c.clock.NewTimer(copyInterval)
	defer pause.Stop()

	retry := c.clock.NewTimer(copyInterval)
	defer retry.Stop()

	pause.Stop() // it runs after each piece of work
	retry.Stop() // it runs while the log is to be emptied

	failed := 0 // tries to empty the log since the last request

	for {
		isToEmpty := false

		select {
		case <-c.wrote:
			c.copy()
		case <-c.purged:
			isToEmpty = true
			failed = 0
		case <-retry.Chan():
			isToEmpty = true
		case <-c.closing:
			return
		}

		if isToEmpty && !c.truncate() {
			failed++

			retry.Reset(untilRetry(failed))
		}

		pause.Reset(copyInterval)

		select {
		case <-pause.Chan():
		case <-c.closing:
			return
		}
	}
}

// untilRetry returns the time until the log is tried to be emptied again, after a number of failures.
func untilRetry(failed int) time.Duration {
	if failed < emptyTries {
		return copyInterval
	}

	return emptyDelay
}

// truncate copies the log and empties it, and reports whether it did. It does not wait for others: almost all is copied
// before it keeps the writer out.
func (c *checkpointer) truncate() bool {
	isBusy := true

	for _, mode := range [...]string{"PASSIVE", "TRUNCATE"} {
		err := c.conn.query(context.Background(), "PRAGMA wal_checkpoint("+mode+")", func(r row) error {
			isBusy = r.int(0) != 0
			return nil
		})
		if err != nil {
			return false
		}
	}

	return !isBusy
}

// copy copies the log if it is long. It ignores failures: the log stays as it is, nothing is lost, and a commit copies the
// rest.
func (c *checkpointer) copy() {
	written, copied, err := c.length()
	if err != nil {
		return
	}

	long := written >= copyFrom*c.limit/logPages && written-copied >= copyPages*c.limit/logPages
	// Past the limit it leaves the checkpoint to the commit: of two concurrent checkpoints the later one, here the
	// commit's, would do nothing.
	if long && written < c.limit {
		_ = c.conn.query(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)", func(row) error { return nil })
	}
}

// length returns the length of the log, and how much of it is copied already.
func (c *checkpointer) length() (written, copied int64, err error) {
	err = c.conn.query(context.Background(), "PRAGMA wal_checkpoint(NOOP)", func(r row) error {
		written = r.int(1)
		copied = r.int(2)

		return nil
	})

	return written, copied, err
}
