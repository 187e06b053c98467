// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sqlite is the embedded store: one file owned by one process. Writes that arrive together share one
// transaction and one fsync (group commit).
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// readers is the number of concurrent reads. They are few and short: consoles, health checks and tools.
const readers = 2

// Options tune a store. The zero value is a good choice.
type Options struct {
	Queue int             // maximum number of waiting writes; further ones get store.ErrBusy. Defaults to 4096
	Clock clockwork.Clock // defaults to the real clock

	// Progress is called before each step of a migration, unless it is nil.
	Progress func(store.Migration)
	// Log receives a line when an old file is rebuilt (see rebuild). Defaults to none.
	Log *slog.Logger

	space func(folder string) (total, free int64, err error) // defaults to the filesystem's figures
}

// Store implements [store.Store] on an SQLite file.
type Store struct {
	writer       *writer
	checkpointer *checkpointer
	disk         *disk
	unreadable   unreadable
	unclaimable  [store.NoClass]atomic.Bool // by class: the last claim met damage that it could not set aside
	checking     sync.Mutex
	backingUp    sync.Mutex // held while a copy is made or read
	readers      chan *conn // idle ones, of the number opened; nil stands for a failed one
	reading      string     // the DSN of a reader
	opened       int
	lock         *os.File
	purged       atomic.Bool // since the log was last emptied
	closing      sync.Once
	closed       chan struct{}
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Disk     = (*Store)(nil)
	_ store.Checker  = (*Store)(nil)
	_ store.BackedUp = (*Store)(nil)
)

// Close completes the accepted writes, waits for reads, and releases the file.
func (s *Store) Close() error {
	var errs []error
	s.closing.Do(func() {
		close(s.closed)

		if s.disk != nil {
			s.disk.close()
		}

		if s.writer != nil {
			errs = append(errs, s.writer.close())
		}

		if s.checkpointer != nil {
			errs = append(errs, s.checkpointer.close())
		}

		for range s.opened {
			if c := <-s.readers; c != nil {
				errs = append(errs, c.close())
			}
		}

		if s.lock != nil {
			errs = append(errs, s.lock.Close())
		}
	})

	return errors.Join(errs...)
}

// read runs a function on its own connection, in which it sees one snapshot of the store.
func (s *Store) read(ctx context.Context, run func(*conn) error) (err error) {
	var c *conn

	select {
	case <-s.closed:
		return store.ErrClosed
	default:
	}

	select {
	case c = <-s.readers:
	case <-s.closed:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}

	if c == nil {
		if c, err = connect(context.WithoutCancel(ctx), s.reading); err != nil {
			s.readers <- nil

			return fmt.Errorf("connect again: %w", err)
		}
	}

	isUsable := false

	defer func() {
		if !isUsable { // even after a panic
			_ = c.close() // the failure that led here is the one to report

			c = nil
		}

		s.readers <- c
	}()

	isUsable, err = c.readTransaction(ctx, run)

	return err
}
