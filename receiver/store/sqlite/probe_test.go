// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// logged returns the number of pages in the write-ahead log, which counts what is written until it starts over.
func logged(t *testing.T, s *Store) (pages int64) {
	t.Helper()

	err := s.read(t.Context(), func(c *conn) error {
		return c.query(t.Context(), "PRAGMA wal_checkpoint(NOOP)", func(r row) error {
			pages = r.int(1)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}

	return pages
}

func ping(t *testing.T, s *Store) {
	t.Helper()

	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("Ping: %v", err)
	}
}

func TestPingWritesNothingAfterACommit(t *testing.T) {
	clock := clockwork.NewFakeClock()
	s := openWith(t, filepath.Join(t.TempDir(), "inbox.db"), Options{Clock: clock})
	ingest(t, s, 1)

	before := logged(t, s)

	for range 100 {
		clock.Advance(proofTTL/100 - time.Millisecond)
		ping(t, s)
	}

	if n := logged(t, s) - before; n != 0 {
		t.Errorf("100 probes within %s of a commit wrote %d pages, want none", proofTTL, n)
	}
}

func TestPingOfAnIdleStoreWritesLittle(t *testing.T) {
	const (
		period  = 2 * time.Second
		maximum = 15_000_000 // bytes a day
	)

	path := filepath.Join(t.TempDir(), "inbox.db")
	clock := clockwork.NewFakeClock()
	s := openWith(t, path, Options{Clock: clock})
	ping(t, s)

	before := logged(t, s)
	probes := 0

	for range time.Hour / period {
		if err := os.Remove(path + probeSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}

		clock.Advance(period)
		ping(t, s)

		if info, err := os.Stat(path + probeSuffix); err == nil {
			probes++

			if info.Size() != probeSize {
				t.Fatalf("a probe wrote %d bytes, want %d", info.Size(), probeSize)
			}
		}
	}

	if n := logged(t, s) - before; n != 0 {
		t.Errorf("the probes of an hour wrote %d pages to the log, want none", n)
	}

	if day := probes * 24 * probeSize; probes == 0 || day > maximum {
		t.Errorf("there were %d probes in an hour, %d bytes a day; want some, and at most %d bytes", probes, day, maximum)
	}
}

// A disk that became read-only must be noticed although nothing is stored.
func TestPingOfAnIdleStoreReportsADiskThatRefusesWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	clock := clockwork.NewFakeClock()
	s := openWith(t, path, Options{Clock: clock})
	ping(t, s)
	clock.Advance(proofTTL)

	// Permissions do not bind root, so the file is replaced by a folder.
	if err := os.Remove(path + probeSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}

	if err := os.Mkdir(path+probeSuffix, 0o700); err != nil {
		t.Fatal(err)
	}

	for range 2 {
		if err := s.Ping(t.Context()); err == nil {
			t.Error("Ping succeeded although the disk cannot be written")
		}
	}

	if err := os.Remove(path + probeSuffix); err != nil {
		t.Fatal(err)
	}

	ping(t, s)
}

func TestPingWritesAfterAFailedWrite(t *testing.T) {
	clock := clockwork.NewFakeClock()
	s := openWith(t, filepath.Join(t.TempDir(), "inbox.db"), Options{Clock: clock})
	ingest(t, s, 1)

	fail := func(t *tx) error {
		_, err := t.exec("INSERT INTO events (seq) VALUES (1)")
		return err
	}
	if err := s.writer.do(t.Context(), fail); err == nil {
		t.Fatal("the write did not fail")
	}

	ingest(t, s, 2) // proves that a small write succeeds, not that the file can grow

	before := logged(t, s)
	ping(t, s)

	if n := logged(t, s) - before; n < largeProbe/pageSize {
		t.Errorf("the first probe after a failed write wrote %d pages, want %d", n, largeProbe/pageSize)
	}

	before = logged(t, s)
	ping(t, s)

	if n := logged(t, s) - before; n != 0 {
		t.Errorf("the probe after a successful one wrote %d pages, want none", n)
	}
}

func TestPingReportsADiskThatHangs(t *testing.T) {
	clock := clockwork.NewFakeClock()
	s := openWith(t, filepath.Join(t.TempDir(), "inbox.db"), Options{Clock: clock})
	ingest(t, s, 1)

	release := hold(t, s)
	defer release(nil)

	ping(t, s) // a batch has just begun
	clock.Advance(maxBatchAge + 1)

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)

	go func() { ended <- s.Ping(ctx) }()

	for s.writer.queues.steps.Len() == 0 { // until the probe waits for the writer
		runtime.Gosched()

		select {
		case err := <-ended:
			t.Fatalf("Ping returned %v while the writer hangs", err)
		default:
		}
	}

	cancel()

	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Ping returned %v, want that it waited", err)
	}
}
