// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// smallDisk mounts its own filesystem for the test.
func smallDisk(t *testing.T, size int64) (folder string) {
	t.Helper()

	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+strconv.FormatInt(size, 10)); err != nil {
		t.Skipf("needs root, to mount a small filesystem: %v", err)
	}

	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})

	return folder
}

// occupy fills the disk with a file of another program, except for the space to leave.
func occupy(t *testing.T, folder string, leave int64) (file string) {
	t.Helper()

	_, free, err := diskSpace(folder)
	if err != nil {
		t.Fatal(err)
	}

	file = filepath.Join(folder, "other")

	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()

	if free > leave {
		_, err = f.Write(make([]byte, free-leave))
	}

	if err != nil && !errors.Is(err, syscall.ENOSPC) { // a part of a page may be left
		t.Fatal(err)
	}

	return file
}

// payloadSize is the size of an event's payload in the tests of full disks.
const payloadSize = 20_000

// fillStore stores finished events until the store refuses more, and returns their number and the refusal.
func fillStore(t *testing.T, s *Store) (stored int64, refusal error) {
	t.Helper()

	for ; refusal == nil; stored++ {
		e := message(stored, 1)
		e.State = store.Skipped
		e.Lane = ""
		e.Payload = []byte(strings.Repeat("x", payloadSize))
		_, refusal = s.Ingest(t.Context(), []store.Event{e})
	}

	return stored - 1, refusal
}

// purgePayloads does what a shorter retention does.
func purgePayloads(t *testing.T, s *Store) (purged int) {
	t.Helper()

	for {
		n, err := s.Purge(t.Context(), store.Expiry{Payloads: start.Add(time.Hour), Events: start.Add(-time.Hour)}, 100)
		if err != nil {
			t.Fatalf("Purge after %d events: %v", purged, err)
		}

		purged += n
		if n == 0 {
			return purged
		}
	}
}

func TestFullDiskRecoversWhenRetentionIsShortened(t *testing.T) {
	const mib = 1 << 20

	for name, size := range map[string]int64{
		"48 MiB":  48 * mib,
		"100 MiB": 100 * mib,
		"300 MiB": 300 * mib,
	} {
		t.Run(name, func(t *testing.T) {
			folder := smallDisk(t, size)
			clock := clockwork.NewFakeClock()
			s := openWith(t, filepath.Join(folder, "inbox.db"), Options{Clock: clock})
			awaitBallast(t, s)

			stored, refusal := fillStore(t, s)
			if !errors.Is(refusal, store.ErrDiskFull) {
				t.Errorf("the refusal is %v, want ErrDiskFull", refusal)
			}

			if used := stored * payloadSize; used < size/2 {
				t.Errorf("%d MiB were stored on a disk of %d MiB, want at least half", used/mib, size/mib)
			}

			other := occupy(t, folder, 0) // takes the reserve too

			if purged := purgePayloads(t, s); int64(purged) < stored {
				t.Errorf("%d payloads were purged, want %d", purged, stored)
			}

			ingest(t, s, 1_000_000) // in the pages that the purge has freed

			if err := os.Remove(other); err != nil {
				t.Fatal(err)
			}

			// One attempt to rebuild may come before the file system has given back the pages of the removed file.
			awaitBallastAfter(t, s, func() { clock.Advance(rebuildInterval) })
			ping(t, s)
		})
	}
}

// The work on stored events fills the disk, since it grows them while new ones are refused already.
func TestWorkThatFillsTheDiskLeavesRoomForAPurge(t *testing.T) {
	folder := smallDisk(t, 100<<20)
	s := openWith(t, filepath.Join(folder, "inbox.db"), Options{Clock: clockwork.NewFakeClock()})
	awaitBallast(t, s)

	stored, _ := fillStore(t, s)
	occupy(t, folder, 1<<20)

	var full error
	for n := 0; full == nil; n++ {
		full = s.writer.do(t.Context(), func(t *tx) error {
			_, err := t.exec("INSERT INTO replies (event, part, type, body, state, message_id) VALUES (?, 0, '', zeroblob(20000), '', '')",
				int64(1_000_000+n))

			return err
		})
	}

	if !isFull(full) {
		t.Fatalf("the work failed with %v, want that the disk is full", full)
	}

	if s.disk.ballast.missing() > 0 {
		t.Error("work has used up the ballast")
	}

	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrDiskFull) {
		t.Errorf("Ping on a full disk returned %v, want ErrDiskFull", err)
	}

	if purged := purgePayloads(t, s); int64(purged) < stored {
		t.Errorf("%d payloads were purged, want %d", purged, stored)
	}
}

func TestStoreOpensOnAFullDisk(t *testing.T) {
	folder := smallDisk(t, 100<<20)
	path := filepath.Join(folder, "inbox.db")

	s, err := Open(t.Context(), path, Options{Clock: clockwork.NewFakeClock()})
	if err != nil {
		t.Fatal(err)
	}

	awaitBallast(t, s)

	stored, _ := fillStore(t, s)

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	occupy(t, folder, 0)

	s = openWith(t, path, Options{Clock: clockwork.NewFakeClock()})
	if purged := purgePayloads(t, s); int64(purged) < stored {
		t.Errorf("%d payloads were purged, want %d", purged, stored)
	}
}

func TestBallastIsAllocated(t *testing.T) {
	for name, build := range map[string]func(*ballast) error{
		"by the filesystem": func(b *ballast) error { return b.build(nil) },
		"by writing": func(b *ballast) error {
			f, err := os.Create(b.path)
			if err != nil {
				return err
			}

			return errors.Join(writeAll(f, b.size, nil), f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBallast(filepath.Join(t.TempDir(), "inbox.db.ballast"), 3<<20+1)
			if err := build(b); err != nil {
				t.Fatal(err)
			}

			again := newBallast(b.path, b.size)
			if again.missing() > 0 {
				t.Errorf("the ballast occupies %d bytes, want %d", occupied(b.path), b.size)
			}

			if !again.release() || occupied(b.path) > 0 || again.missing() != b.size || again.release() {
				t.Error("the ballast was not released once")
			}
		})
	}
}

func TestBallastThatDoesNotFitLeavesNoFile(t *testing.T) {
	folder := smallDisk(t, 8<<20)

	b := newBallast(filepath.Join(folder, "inbox.db.ballast"), 9<<20)
	if err := b.build(nil); err == nil || occupied(b.path) > 0 || b.missing() == 0 {
		t.Errorf("build returned %v and left a file of %d bytes, want an error and none", err, occupied(b.path))
	}
}

// TestBallastOnADiskThatHangsBlocksNoOther builds the ballast in a pipe: opening it waits for a reader, as a disk that hangs would.
func TestBallastOnADiskThatHangsBlocksNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db.ballast")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}

	b := newBallast(path, 1<<20)
	built := make(chan error, 1)

	go func() { built <- b.build(nil) }()

	for range 1000 { // the build begins meanwhile
		runtime.Gosched()

		if b.missing() != b.size {
			t.Fatal("the ballast is complete")
		}
	}

	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}

	if err := <-built; err == nil {
		t.Error("a pipe was taken for a ballast")
	}

	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}

// TestBallastThatIsReleasedDuringItsBuildLeavesNoFile releases the ballast before its build has ended.
func TestBallastThatIsReleasedDuringItsBuildLeavesNoFile(t *testing.T) {
	b := newBallast(filepath.Join(t.TempDir(), "inbox.db.ballast"), 1<<20)
	before := b.releases

	if err := b.allocate(nil); err != nil {
		t.Fatal(err)
	}

	b.release()

	if err := b.keep(before); err != nil || b.missing() == 0 || occupied(b.path) > 0 {
		t.Errorf("keep returned %v, and a file of %d bytes is left, want none", err, occupied(b.path))
	}
}
