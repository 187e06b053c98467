// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestBackup checks that a copy opens as a store with everything that was stored before, and leaves nothing behind.
func TestBackup(t *testing.T) {
	folder := t.TempDir()
	s := openStore(t, filepath.Join(folder, "inbox.db"))

	for n := range int64(500) {
		if _, err := s.Ingest(t.Context(), []store.Event{message(n, 10)}); err != nil {
			t.Fatal(err)
		}
	}

	copied, size, err := s.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if _, _, err := s.Backup(t.Context()); !errors.Is(err, store.ErrBackupRunning) {
		t.Errorf("a second backup returned %v, want that one is running", err)
	}

	if _, err := s.Ingest(t.Context(), []store.Event{message(1000, 10)}); err != nil {
		t.Errorf("ingest beside a backup: %v", err)
	}

	restored := filepath.Join(t.TempDir(), "inbox.db")

	file, err := os.OpenFile(restored, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}

	if n, err := io.Copy(file, copied); err != nil || n != size {
		t.Errorf("copied %d bytes of %d, %v", n, size, err)
	}

	if err := errors.Join(file.Close(), copied.Close()); err != nil {
		t.Fatal(err)
	}

	if left, err := filepath.Glob(filepath.Join(folder, "*"+backupSuffix+"*")); err != nil || left != nil {
		t.Errorf("the backup left %v, %v", left, err)
	}

	r := openStore(t, restored)

	stats, err := r.Stats(t.Context(), start)
	if err != nil || stats.Pending != 0 || stats.DeadLetters != 500 {
		t.Errorf("the copy has %+v, %v, want 500 dead letters", stats, err)
	}

	if stats, err := s.Stats(t.Context(), start); err != nil || stats.Pending != 501 || stats.DeadLetters != 0 {
		t.Errorf("the store has %+v, %v, want 501 pending", stats, err)
	}

	if damages, err := r.Check(t.Context()); err != nil || len(damages) != 0 {
		t.Errorf("the copy is damaged: %v, %v", damages, err)
	}

	again, _, err := s.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestBackupEndsWhatWasSetAside copies a store in which a lane stands because its events could not be read for a moment.
func TestBackupEndsWhatWasSetAside(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))
	ingest(t, s, 1)

	if err := s.markDamagedLane(t.Context(), laneKey{name: message(1, 1).Lane}, errors.New("disk I/O error")); err != nil {
		t.Fatal(err)
	}

	if n := claimAll(t, s); n != 0 {
		t.Fatalf("%d lanes were claimed, want that the lane is set aside", n)
	}

	copied, _, err := s.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	restored := filepath.Join(t.TempDir(), "inbox.db")
	content, err := io.ReadAll(copied)

	if err := errors.Join(err, copied.Close(), os.WriteFile(restored, content, 0o600)); err != nil {
		t.Fatal(err)
	}

	record, err := openStore(t, restored).Get(t.Context(), message(1, 1).ID)
	if err != nil || record.Event.State != store.Dead {
		t.Errorf("the copy has %+v, %v, want a dead letter", record, err)
	}
}

// TestBackupRefusesACopyThatStaysPending lets the end of the pending messages meet a page that cannot be read.
func TestBackupRefusesACopyThatStaysPending(t *testing.T) {
	const lanes = 2000

	id := message(20, lanes).ID
	copied := damagedFile(t, lanes, tableLeaf, string(id[:]))
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))

	if err := s.endPending(t.Context(), copied); !errors.Is(err, store.ErrBackupDamaged) {
		t.Errorf("endPending returned %v, want that the copy is damaged", err)
	}
}

// TestBackupOfADamagedStore copies a store in which a page cannot be read.
func TestBackupOfADamagedStore(t *testing.T) {
	const lanes = 2000

	id := message(20, lanes).ID
	s := damagedStore(t, lanes, tableLeaf, string(id[:]))

	if _, _, err := s.Backup(t.Context()); !errors.Is(err, store.ErrBackupDamaged) {
		t.Errorf("Backup returned %v, want that the store is damaged", err)
	}
}

func TestBackupNeedsRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")

	var free atomic.Int64 // the store reads it in its own goroutine too

	free.Store(10 << 30)

	s, err := Open(t.Context(), path, Options{space: func(string) (int64, int64, error) { return 10 << 30, free.Load(), nil }})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = s.Close() })

	free.Store(100 << 20) // less than the reserve and the log may take

	if _, _, err := s.Backup(t.Context()); !errors.Is(err, store.ErrDiskFull) {
		t.Errorf("Backup on a full disk returned %v, want that the disk is full", err)
	}

	if _, err := os.Stat(path + backupSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a copy: %v", err)
	}
}

func TestBackupOfADeadProcessIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	if err := os.WriteFile(path+backupSuffix, []byte("half a copy"), 0o600); err != nil {
		t.Fatal(err)
	}

	s := openStore(t, path)

	if _, err := os.Stat(path + backupSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an earlier copy is left: %v", err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if _, _, err := s.Backup(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Backup of a closed store returned %v", err)
	}
}

// TestBackupIsReadableByItsOwnerOnly checks the mode of the copy while it has a name.
func TestBackupIsReadableByItsOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are of Unix")
	}

	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))

	copied, _, err := s.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	info, err := copied.(*backupFile).Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has the mode %v, %v, want 0600", info.Mode(), err)
	}

	if err := copied.Close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkBackup copies a store of 500,000 events while messages arrive one after the other, and measures these.
func BenchmarkBackup(b *testing.B) {
	s := openStore(b, filepath.Join(b.TempDir(), "inbox.db"))
	fill(b, s, 500_000, 0, 50_000)

	var (
		during latencies
		n      int64
	)

	for b.Loop() {
		done := make(chan error, 1)

		go func() {
			copied, _, err := s.Backup(b.Context())
			if err == nil {
				err = copied.Close()
			}

			done <- err
		}()

		for running := true; running; {
			select {
			case err := <-done:
				if err != nil {
					b.Fatal(err)
				}

				running = false
			default:
				n++
				began := time.Now()

				if _, err := s.Ingest(b.Context(), []store.Event{message(1<<40+n, 50_000)}); err != nil {
					b.Fatal(err)
				}

				during.add(time.Since(began))
			}
		}
	}

	during.report(b)
}
