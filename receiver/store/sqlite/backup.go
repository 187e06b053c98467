// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

const (
	// backupSuffix follows the name of the database in the name of a backup.
	backupSuffix = ".backup"
	// maxBackupLog is the length of the log, in times its limit, at which a backup is aborted: the log cannot start over
	// while a backup reads.
	maxBackupLog = 32
)

// Backup implements store.BackedUp. The copy is made by its own connection, from a snapshot, so that deliveries and work
// go on. It has hardly any free pages.
func (s *Store) Backup(ctx context.Context) (store.Copy, int64, error) {
	if !s.backingUp.TryLock() {
		return nil, 0, fmt.Errorf("back the store up: %w", store.ErrBackupRunning)
	}

	copied, size, err := s.backup(ctx)
	if err != nil {
		s.backingUp.Unlock()
		return nil, 0, fmt.Errorf("back the store up: %w", err)
	}

	return copied, size, nil
}

func (s *Store) backup(ctx context.Context) (_ *backupFile, size int64, err error) {
	select {
	case <-s.closed:
		return nil, 0, store.ErrClosed
	default:
	}

	if err := s.disk.roomForCopy(ctx); err != nil {
		return nil, 0, err
	}

	path := s.disk.path + backupSuffix
	if err := removeBackup(s.disk.path); err != nil {
		return nil, 0, err
	}

	defer func() {
		if err != nil {
			err = errors.Join(err, removeBackup(s.disk.path))
		}
	}()

	if err := create(path); err != nil { // readable by its owner only
		return nil, 0, err
	}

	if err := s.vacuumInto(ctx, path); err != nil {
		return nil, 0, err
	}

	if err := checkCopy(ctx, path); err != nil {
		return nil, 0, err
	}

	if err := s.endPending(ctx, path); err != nil {
		return nil, 0, err
	}

	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}

	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}

	// A file without a name is gone even if the process dies. Some systems refuse to remove an open file: see Close.
	_ = os.Remove(path)

	return &backupFile{File: file, store: s}, info.Size(), nil
}

// vacuumInto copies the database into a file.
func (s *Store) vacuumInto(ctx context.Context, path string) (err error) {
	// Unlike the checkpointer it may wait: for the moment in which the checkpointer empties the log.
	c, err := connect(ctx, dsn(s.disk.path, slices.Concat([]string{"busy_timeout(5000)"}, copying)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	watched := make(chan struct{})

	go func() {
		defer close(watched)

		s.watch(ctx, maxBackupLog, func() { cancel(store.ErrBackupAborted) }, func() { cancel(store.ErrClosed) })
	}()

	_, err = c.exec(ctx, "VACUUM INTO ?", path)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}

	cancel(nil)
	<-watched

	if isDamage(err) {
		return store.ErrBackupDamaged
	}

	return withDiskFull(err)
}

// checkCopy returns store.ErrBackupDamaged if a copy is not sound.
func checkCopy(ctx context.Context, path string) (err error) {
	c, err := connect(ctx, dsn(path, []string{"query_only(1)"})+"&mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	sound := false

	err = c.query(ctx, "PRAGMA quick_check(1)", func(r row) error {
		sound = r.text(0) == "ok"
		return nil
	})
	if err == nil && !sound || isDamage(err) {
		return store.ErrBackupDamaged
	}

	return err
}

// endPending ends the pending events of a copy that would reach a person, so that no receiver that opens the copy processes
// them a second time. If the process dies during the call, the next start removes the copy, so endPending does not wait for
// the disk.
func (s *Store) endPending(ctx context.Context, path string) (err error) {
	source := dsn(path, []string{
		"journal_mode(MEMORY)", "synchronous(OFF)", "secure_delete(ON)", "cache_size(-4096)", "temp_store(MEMORY)",
	})

	c, err := connect(ctx, source)
	if err != nil {
		return err
	}

	options := Options{Queue: groupcommit.MaxBatch, Clock: s.disk.clock}

	writer := newWriter(source, c, options, func() {})
	defer func() { err = errors.Join(err, writer.close()) }()

	copied := &Store{writer: writer}

	// A lane that was set aside is leased for good. The copy can read its events, and a start would make it due.
	err = writer.do(ctx, func(t *tx) error { return errors.Join(endLeases(t), clearDamage(t)) })
	if err == nil {
		_, err = store.EndRestored(ctx, copied, s.disk.clock.Now())
	}

	if err == nil {
		err = copied.requireNoDamage(ctx)
	}

	if isDamage(err) {
		return store.ErrBackupDamaged
	}

	return withDiskFull(err)
}

// requireNoDamage returns store.ErrBackupDamaged if lanes were set aside, in which events are still pending.
func (s *Store) requireNoDamage(ctx context.Context) error {
	return s.writer.do(ctx, func(t *tx) error {
		return t.query("SELECT count(*) FROM damaged", func(r row) error {
			if r.int(0) > 0 {
				return store.ErrBackupDamaged
			}

			return nil
		})
	})
}

// removeBackup removes the copy that a process has left behind.
func removeBackup(path string) error {
	if err := os.Remove(path + backupSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an earlier backup: %w", err)
	}

	return nil
}

// backupFile is a copy that is being read.
type backupFile struct {
	*os.File
	store *Store
}

// Close removes the copy.
func (f *backupFile) Close() error {
	defer f.store.backingUp.Unlock()

	return errors.Join(f.File.Close(), removeBackup(f.store.disk.path))
}

// roomForCopy returns an error if the disk has no room for a copy of the database besides its reserve.
func (d *disk) roomForCopy(ctx context.Context) error {
	now, err := d.read()
	if err != nil {
		return fmt.Errorf("read the space of the disk: %w", err)
	}

	file, reusable, err := d.pages(ctx)
	if err != nil {
		return err
	}

	needed := (file - reusable) * pageSize
	if left := now.free - now.owed - reserveOf(now.total) - d.ballast.missing(); left < needed {
		return fmt.Errorf("%w: the backup needs %d MiB, and %d MiB may be used: enlarge the volume, or shorten the retention",
			store.ErrDiskFull, needed>>20+1, max(left, 0)>>20)
	}

	return nil
}
