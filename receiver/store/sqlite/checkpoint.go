// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"time"
)

// A checkpoint copies the write-ahead log into the file, after which the log begins anew. Lengths are in pages of 4 KiB.
const (
	// logPages is the length from which a commit copies what is left to copy before it returns, and so the bound.
	logPages = 8000
	// From copyFrom on the log is copied ahead, copyPages or more at a time, so that little is left.
	copyFrom  = 6000
	copyPages = 500
	// copyPause bounds how often the log's length is looked at. Few pages are written in it.
	copyPause = 20 * time.Millisecond
)

// checkpointer copies the log beside the writer, where a commit that did it would hold up all deliveries for as long as
// the disk takes to write thousands of pages here and there.
type checkpointer struct {
	conn     *conn
	wrote    chan struct{} // has room for one
	closing  chan struct{}
	finished chan struct{}
}

func newCheckpointer(c *conn) *checkpointer {
	k := &checkpointer{
		conn:     c,
		wrote:    make(chan struct{}, 1),
		closing:  make(chan struct{}),
		finished: make(chan struct{}),
	}
	go k.work()

	return k
}

// notice tells it, without waiting, that the log has grown.
func (k *checkpointer) notice() {
	select {
	case k.wrote <- struct{}{}:
	default:
	}
}

func (k *checkpointer) close() error {
	close(k.closing)
	<-k.finished

	return k.conn.close()
}

// work passes over failures: the log stays as it is then, nothing is lost, and a commit copies what this could not.
func (k *checkpointer) work() {
	defer close(k.finished)

	pause := time.NewTimer(copyPause)
	defer pause.Stop()

	for {
		select {
		case <-k.wrote:
		case <-k.closing:
			return
		}

		written, copied, err := k.length()
		// Past logPages it stays out of the way: of two checkpoints at a time the later, the commit's, would do nothing.
		if err == nil && written >= copyFrom && written < logPages && written-copied >= copyPages {
			_ = k.conn.query(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)", func(row) error { return nil })
		}

		pause.Reset(copyPause)

		select {
		case <-pause.C:
		case <-k.closing:
			return
		}
	}
}

// length returns how many pages the log has, and how many of them are in the file already.
func (k *checkpointer) length() (written, copied int64, err error) {
	err = k.conn.query(context.Background(), "PRAGMA wal_checkpoint(NOOP)", func(r row) error {
		written = r.int(1)
		copied = r.int(2)

		return nil
	})

	return written, copied, err
}
