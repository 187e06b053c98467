// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sqlite is the embedded store: one file owned by one process. Writes that arrive together share one
// transaction and one fsync (group commit).
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
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
	checking     sync.Mutex
	backingUp    sync.Mutex // held while a copy is made or read
	readers      chan *conn // idle ones, of the number opened; nil stands for one that failed
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

// Open opens the store in the file at path, whose folder must exist. It creates a missing file, readable by its owner
// only. A lock on path.lock ensures that only one process has the store open; so existing leases belong to a dead
// process, and their lanes are due at once.
func Open(ctx context.Context, path string, options Options) (*Store, error) {
	if options.Queue <= 0 {
		options.Queue = 4096
	}

	if options.Clock == nil {
		options.Clock = clockwork.NewRealClock()
	}

	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}

	if options.space == nil {
		options.space = diskSpace
	}

	s, err := open(ctx, path, options)
	if isFull(err) && os.Remove(path+ballastSuffix) == nil {
		s, err = open(ctx, path, options) // in the room of the ballast
	}

	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}

	return s, nil
}

func open(ctx context.Context, path string, options Options) (_ *Store, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}

	if info, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("its folder does not exist: create it, or mount a volume there: %w", err)
	} else if err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", filepath.Dir(path))
	}

	s := &Store{
		readers: make(chan *conn, readers),
		reading: dsn(path, reading),
		closed:  make(chan struct{}),
	}
	defer func() {
		if err != nil {
			_ = s.Close() // the failure to open is the one to report
		}
	}()

	if s.lock, err = acquire(path + ".lock"); err != nil {
		return nil, err
	}

	if err := create(path); err != nil {
		return nil, err
	}

	if err := syncDataOnly(path); err != nil {
		return nil, err
	}

	if err := removeBackup(path); err != nil {
		return nil, err
	}

	if err := ignoreMissing(os.Remove(path + installedSuffix)); err != nil {
		return nil, err // of an Install that was interrupted
	}

	if err := removeDatabase(path + movingSuffix); err != nil { // of a move that was abandoned
		return nil, err
	}

	s.disk = newDisk(path, options, s.pages)
	if err := rebuild(ctx, path, options); err != nil {
		return nil, fmt.Errorf("rebuild the file: %w", err)
	}

	writer := dsn(path, writingWith(s.disk.logLimit))

	if err := migrate(ctx, writer, options.Progress); err != nil {
		return nil, fmt.Errorf("migrate its schema: %w", err)
	}

	c, err := connect(ctx, writer)
	if err != nil {
		return nil, err
	}

	copier, err := connect(ctx, dsn(path, copying))
	if err != nil {
		return nil, errors.Join(err, c.close())
	}

	s.checkpointer = newCheckpointer(copier, s.disk.logLimit, options.Clock)

	s.writer = newWriter(writer, c, options, s.checkpointer.notify)

	err = s.writer.do(ctx, endLeases)
	if isDamage(err) {
		err = endLeasesSingly(ctx, path, s.writer)
	}

	if err != nil {
		return nil, fmt.Errorf("end the leases of the previous process: %w", err)
	}

	if err := s.writer.do(ctx, clearDamage); err != nil {
		return nil, fmt.Errorf("clear the damage marks: %w", err)
	}

	for range readers {
		c, err := connect(ctx, s.reading)
		if err != nil {
			return nil, err
		}

		s.readers <- c

		s.opened++
	}

	s.disk.start()

	return s, nil
}

// create creates the file with its permissions, since SQLite would make it readable for everyone, and fails early if it
// cannot be written.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("the file must be writable: %w", err)
	}

	return f.Close()
}

// The settings of a connection. After each checkpoint the write-ahead log is overwritten from its start, since an fsync
// of a growing file costs far more; so it is not truncated below its usual size. SQLite walks through its entire cache
// at most commits that split a page, so a large cache costs more than it saves: the page cache of the system replaces
// it. What is deleted is overwritten with zeros, in pages that become free too. A new file is one that can shrink.
var (
	writing = writingWith(logPages)
	copying = []string{"auto_vacuum(INCREMENTAL)", "synchronous(FULL)", "cache_size(-256)"}
	reading = []string{"busy_timeout(5000)", "query_only(1)", "cache_size(-2048)", "temp_store(MEMORY)"}
)

func writingWith(logPages int64) []string {
	return []string{
		"busy_timeout(5000)", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)",
		"cache_size(-4096)", "temp_store(MEMORY)",
		fmt.Sprintf("wal_autocheckpoint(%d)", logPages), fmt.Sprintf("journal_size_limit(%d)", 2*logPages*pageSize),
	}
}

func dsn(path string, pragmas []string) string {
	file := url.URL{
		Scheme:   "file",
		OmitHost: true,
		Path:     filepath.ToSlash(path),
	}
	file.RawQuery = "_pragma=" + strings.Join(pragmas, "&_pragma=")

	return file.String()
}

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

// read runs a function on a connection of its own, in which it sees one snapshot of the store.
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
