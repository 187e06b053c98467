// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// spaceTTL is how long the figures of the disk are used, unless many bytes are admitted meanwhile.
	spaceTTL = time.Second
	// eventOverhead is an upper bound of the space that an event takes besides its payload.
	eventOverhead = 1 << 10
	// rebuildInterval is the interval at which a missing ballast is rebuilt.
	rebuildInterval = 10 * time.Second
)

// reserveOf returns the bytes of a disk that new events may not use: 205 MiB of 10 GiB, and 12 MiB of 100 MiB.
func reserveOf(total int64) int64 { return min(max(total/50, min(32<<20, total/8)), 256<<20) }

// ballastOf returns the size of the ballast on a disk: 64 MiB of 10 GiB, and 12 MiB of 100 MiB.
func ballastOf(total int64) int64 { return min(64<<20, total/8) }

// logPagesOf returns the limit of the log. The ballast must exceed it, since a checkpoint may grow the file by the whole
// log.
func logPagesOf(total int64) int64 {
	if total <= 0 {
		return logPages
	}

	return min(logPages, max(total/16/pageSize, 64))
}

// disk watches the space for the store's file and its log.
type disk struct {
	path     string
	clock    clockwork.Clock
	space    func(path string) (total, free int64, err error)
	pages    func(context.Context) (file, reusable int64, err error) // of the database
	ballast  *ballast
	logLimit int64 // pages
	closing  chan struct{}
	running  sync.WaitGroup

	latest   atomic.Pointer[figures] // nil if they must be read again
	reading  sync.Mutex
	admitted atomic.Int64 // bytes of events since latest was read
}

// figures describe a disk in bytes.
type figures struct {
	at          time.Time
	total, free int64
	owed        int64 // how far the file and the log may still grow by the data that is stored already
	reusable    int64 // free pages of the database, and what the file has beyond its end
}

// newDisk reads the size of the disk, on which the sizes of log and ballast depend.
func newDisk(path string, options Options, pages func(context.Context) (file, reusable int64, err error)) *disk {
	d := &disk{
		path:    path,
		clock:   options.Clock,
		space:   options.space,
		pages:   pages,
		closing: make(chan struct{}),
	}

	total, _, err := d.space(filepath.Dir(path))
	if err != nil {
		total = 0
	}

	d.logLimit = logPagesOf(total)
	d.ballast = newBallast(path+ballastSuffix, ballastOf(total))

	return d
}

// start builds the ballast, and builds it again whenever there is room for it.
func (d *disk) start() {
	d.running.Go(func() {
		ticker := d.clock.NewTicker(rebuildInterval)
		defer ticker.Stop()

		for {
			d.rebuild()

			select {
			case <-ticker.Chan():
			case <-d.closing:
				return
			}
		}
	})
}

func (d *disk) close() {
	close(d.closing)
	d.running.Wait()
}

// rebuild builds the ballast if it is missing and the reserve stays free besides. Most of the reserve may be in the pages
// that a purge has freed, since the file keeps some.
func (d *disk) rebuild() {
	missing := d.ballast.missing()
	if missing == 0 {
		return
	}

	now, err := d.read()
	if err != nil || now.free-now.owed < missing+reserveOf(now.total)/4 {
		return
	}

	if space := d.spaceOf(now); space.Free < space.Reserved {
		return
	}

	_ = d.ballast.build(d.closing) // it is tried again
	d.invalidate()
}

// release frees the ballast, and reports whether that made room.
func (d *disk) release() bool {
	defer d.invalidate()

	return d.ballast.release()
}

// invalidate makes the next call of figures read the disk.
func (d *disk) invalidate() { d.latest.Store(nil) }

// figures returns the figures of the last second. Only one caller at a time reads them: a disk that hangs must not block
// the others.
func (d *disk) figures() (figures, error) {
	known := d.latest.Load()
	if known != nil {
		age := d.clock.Since(known.at)
		if age >= 0 && age < spaceTTL && d.admitted.Load() < reserveOf(known.total)/8 {
			return *known, nil
		}
	}

	if !d.reading.TryLock() {
		if known == nil {
			return figures{}, errors.New("the space of the disk is being read")
		}

		return *known, nil
	}
	defer d.reading.Unlock()

	d.admitted.Store(0)

	latest, err := d.read()
	if err != nil {
		return figures{}, err
	}

	d.latest.Store(&latest)

	return latest, nil
}

// read reads the figures. As long as there is plenty of space, it does not ask the database.
func (d *disk) read() (figures, error) {
	total, free, err := d.space(filepath.Dir(d.path))
	if err != nil {
		return figures{}, err
	}

	log := size(d.path + "-wal")
	f := figures{
		at:    d.clock.Now(),
		total: total,
		free:  free,
		owed:  max(d.logLimit*pageSize-log, 0) + log,
	}

	if free-f.owed >= reserveOf(total)+d.ballast.missing() {
		return f, nil
	}

	ctx, cancel := context.WithTimeout(context.Background(), spaceTTL)
	defer cancel()

	if file, reusable, err := d.pages(ctx); err == nil {
		growth := file*pageSize - size(d.path)
		f.owed = max(d.logLimit*pageSize-log, 0) + max(growth, 0)
		f.reusable = reusable*pageSize + max(-growth, 0) // a file that shrank keeps its blocks until the log is copied
	}

	return f, nil
}

// admit returns [store.ErrDiskFull] while a new event would take the space that work and purges need. While the ballast
// is missing, its space counts as needed too. A disk whose figures are unknown admits: its own errors say when it is full.
func (d *disk) admit(events ...store.Event) error {
	for i := range events {
		d.admitted.Add(int64(len(events[i].Payload)) + eventOverhead)
	}

	now, err := d.figures()
	if err != nil {
		return nil //nolint:nilerr // see above
	}

	if space := d.spaceOf(now); space.Free < space.Reserved {
		return fmt.Errorf("%w: %d MiB are left for new events, %d MiB are reserved: enlarge the volume or shorten the retention",
			store.ErrDiskFull, max(space.Free, 0)>>20, space.Reserved>>20)
	}

	return nil
}

func (d *disk) spaceOf(f figures) store.Space {
	return store.Space{
		Total:    f.total,
		Free:     f.free + f.reusable - f.owed,
		Reserved: reserveOf(f.total) + d.ballast.missing(),
	}
}

// Space implements store.Disk.
func (s *Store) Space() store.Space {
	now, err := s.disk.figures()
	if err != nil {
		return store.Space{}
	}

	return s.disk.spaceOf(now)
}

// pages returns the number of pages of the database, including the log, and of the free pages among them.
func (s *Store) pages(ctx context.Context) (file, reusable int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		return errors.Join(
			c.query(ctx, "PRAGMA page_count", func(r row) error { file = r.int(0); return nil }),
			c.query(ctx, "PRAGMA freelist_count", func(r row) error { reusable = r.int(0); return nil }))
	})

	return file, reusable, err
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}

	return info.Size()
}

// withDiskFull adds [store.ErrDiskFull] to the error of a disk that filled up before new events were refused, for example by
// another program.
func withDiskFull(err error) error {
	if failed, ok := errors.AsType[*sqlite.Error](err); ok && failed.Code() == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w: %w", store.ErrDiskFull, err)
	}

	return err
}

// isFull reports whether SQLite failed for lack of space. A quota and a limit on the size of files are reported as a
// failed write.
func isFull(err error) bool {
	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}

	switch failed.Code() {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE:
		return true
	default:
		return false
	}
}
