// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

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

	"github.com/jonboulle/clockwork"
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

	if err := checkFolder(filepath.Dir(path)); err != nil {
		return nil, err
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

	if err := prepareFile(path); err != nil {
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

	if err := s.openWriter(ctx, path, writer, options); err != nil {
		return nil, err
	}

	if err := s.endPreviousProcess(ctx, path); err != nil {
		return nil, err
	}

	if err := s.openReaders(ctx); err != nil {
		return nil, err
	}

	s.disk.start()

	return s, nil
}

func checkFolder(folder string) error {
	info, err := os.Stat(folder)

	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("its folder does not exist: create it, or mount a volume there: %w", err)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", folder)
	}

	return nil
}

// prepareFile creates a missing file, and removes the files of copies, installs and moves that were interrupted.
func prepareFile(path string) error {
	if err := create(path); err != nil {
		return err
	}

	if err := syncDataOnly(path); err != nil {
		return err
	}

	if err := removeBackup(path); err != nil {
		return err
	}

	if err := ignoreMissing(os.Remove(path + installedSuffix)); err != nil {
		return err
	}

	return removeDatabase(path + movingSuffix)
}

// openWriter opens the connections of the writer, with its DSN, and of the checkpointer.
func (s *Store) openWriter(ctx context.Context, path, writer string, options Options) error {
	c, err := connect(ctx, writer)
	if err != nil {
		return err
	}

	copier, err := connect(ctx, dsn(path, copying))
	if err != nil {
		return errors.Join(err, c.close())
	}

	s.checkpointer = newCheckpointer(copier, s.disk.logLimit, options.Clock)
	s.writer = newWriter(writer, c, options, s.checkpointer.notify)

	return nil
}

// endPreviousProcess ends the leases and clears the damage marks that the previous process left.
func (s *Store) endPreviousProcess(ctx context.Context, path string) error {
	err := s.writer.do(ctx, endLeases)
	if isDamage(err) {
		err = endLeasesSingly(ctx, path, s.writer)
	}

	if err != nil {
		return fmt.Errorf("end the leases of the previous process: %w", err)
	}

	if err := ignoreDamage(s.writer.do(ctx, clearDamage)); err != nil {
		return fmt.Errorf("clear the damage marks: %w", err)
	}

	return nil
}

func (s *Store) openReaders(ctx context.Context) error {
	for range readers {
		c, err := connect(ctx, s.reading)
		if err != nil {
			return err
		}

		s.readers <- c

		s.opened++
	}

	return nil
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
// it. Deleted data is overwritten with zeros, in pages that become free too. A new file can shrink.
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
