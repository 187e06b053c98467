// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const gib = 1 << 30

// fakeSpace is a disk of 1 GiB with as much free space as the test sets.
type fakeSpace struct{ free atomic.Int64 }

func (f *fakeSpace) read(string) (total, free int64, err error) { return gib, f.free.Load(), nil }

// needed is the space that the fake disk must have for new events: the reserve and the rest of the log.
const needed = 32<<20 + logPages*pageSize

func openOn(t *testing.T, free int64) (*Store, *fakeSpace, *clockwork.FakeClock) {
	t.Helper()

	space := &fakeSpace{}
	space.free.Store(free)

	clock := clockwork.NewFakeClock()
	s := openWith(t, filepath.Join(t.TempDir(), "inbox.db"), Options{Clock: clock, space: space.read})
	awaitBallast(t, s)

	return s, space, clock
}

func awaitBallast(t *testing.T, s *Store) {
	t.Helper()
	awaitBallastAfter(t, s, func() {})
}

// awaitBallastAfter waits until the ballast is built, and calls advance before each look.
func awaitBallastAfter(t *testing.T, s *Store, advance func()) {
	t.Helper()

	deadline := time.After(time.Minute)
	for s.disk.ballast.missing() > 0 {
		advance()

		select {
		case <-deadline:
			t.Fatal("the ballast was not built")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestEventsAreRefusedBeforeTheDiskIsFull(t *testing.T) {
	s, space, clock := openOn(t, gib)
	ingest(t, s, 1)

	space.free.Store(needed - 1<<20)
	clock.Advance(spaceTTL)

	_, err := s.Ingest(t.Context(), []store.Event{message(2, 1)})
	if !errors.Is(err, store.ErrDiskFull) {
		t.Errorf("Ingest on a nearly full disk returned %v, want ErrDiskFull", err)
	}

	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrDiskFull) {
		t.Errorf("Ping returned %v, want ErrDiskFull", err)
	}

	if space := s.Space(); space.Free >= space.Reserved || space.Total != gib {
		t.Errorf("the space is %+v, want less free than reserved", space)
	}

	leases, err := s.Claim(t.Context(), store.Conversations, start, start.Add(time.Minute), 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim returned %d leases, %v; want that work goes on", len(leases), err)
	}

	step := store.Step{Now: start, Outcome: &store.Outcome{State: store.Done}}
	if _, err := s.Advance(t.Context(), leases[0].LeaseRef, leases[0].Work.Event.ID, step); err != nil {
		t.Errorf("Advance: %v", err)
	}

	if n, err := s.Purge(t.Context(), store.Expiry{Payloads: start.Add(time.Hour), Events: start.Add(time.Hour)}, 10); err != nil || n == 0 {
		t.Errorf("Purge changed %d entries, %v; want that it makes room", n, err)
	}

	space.free.Store(needed + 1<<20)
	clock.Advance(spaceTTL)
	ingest(t, s, 2)
	ping(t, s)
}

func TestPurgedPagesAreSpaceForNewEvents(t *testing.T) {
	s, space, clock := openOn(t, gib)

	const (
		events  = 40
		payload = 1 << 20
	)

	for n := range int64(events) {
		e := message(n, 1)
		e.State = store.Skipped
		e.Lane = ""
		e.Payload = make([]byte, payload)

		if _, err := s.Ingest(t.Context(), []store.Event{e}); err != nil {
			t.Fatal(err)
		}
	}

	space.free.Store(12 << 20)
	clock.Advance(spaceTTL)

	if _, err := s.Ingest(t.Context(), []store.Event{message(100, 1)}); !errors.Is(err, store.ErrDiskFull) {
		t.Fatalf("Ingest on a nearly full disk returned %v, want ErrDiskFull", err)
	}

	if _, err := s.Purge(t.Context(), store.Expiry{Payloads: start.Add(time.Hour), Events: start.Add(-time.Hour)}, events); err != nil {
		t.Fatal(err)
	}

	ingest(t, s, 100) // the file did not shrink as much, but has free pages
}

// A database that shrank in the log keeps its file until the log is copied. What the file has beyond the database is for new events.
func TestTheFileBeyondTheDatabaseIsSpaceForNewEvents(t *testing.T) {
	const tail = 3 << 20

	path := filepath.Join(t.TempDir(), "inbox.db")
	space := &fakeSpace{} // full, so that the pages count
	pages := func(context.Context) (file, reusable int64, err error) { return 10, 4, nil }
	d := newDisk(path, Options{Clock: clockwork.NewFakeClock(), space: space.read}, pages)

	for _, c := range []struct{ size, reusable, owed int64 }{
		{10*pageSize + tail, 4*pageSize + tail, logPages * pageSize},
		{10 * pageSize, 4 * pageSize, logPages * pageSize},
		{7 * pageSize, 4 * pageSize, (logPages + 3) * pageSize},
	} {
		if err := os.WriteFile(path, make([]byte, c.size), 0o600); err != nil {
			t.Fatal(err)
		}

		got, err := d.read()
		if err != nil || got.reusable != c.reusable || got.owed != c.owed {
			t.Errorf("a file of %d bytes: %+v, %v, want %d reusable and %d owed", c.size, got, err, c.reusable, c.owed)
		}
	}
}

func TestFiguresAreReadOnceASecond(t *testing.T) {
	var reads atomic.Int64

	clock := clockwork.NewFakeClock()
	s := openWith(t, filepath.Join(t.TempDir(), "inbox.db"), Options{Clock: clock, space: func(string) (int64, int64, error) {
		reads.Add(1)
		return gib, gib, nil
	}})
	awaitBallast(t, s)
	ingest(t, s, 0)

	before := reads.Load()

	for n := range int64(50) {
		ingest(t, s, n)
	}

	if n := reads.Load() - before; n > 1 {
		t.Errorf("50 deliveries at one time read the space of the disk %d times, want once", n)
	}
}

func TestADiskWithUnknownSpaceAdmitsEvents(t *testing.T) {
	s := openWith(t, filepath.Join(t.TempDir(), "inbox.db"), Options{space: func(string) (int64, int64, error) {
		return 0, 0, errors.ErrUnsupported
	}})
	ingest(t, s, 1)
	ping(t, s)

	if space := s.Space(); space != (store.Space{}) {
		t.Errorf("the space is %+v, want none", space)
	}
}

func TestSharesOfTheDisk(t *testing.T) {
	for total, want := range map[int64][3]int64{ // MiB of the reserve, the ballast and the log
		100 << 20: {12, 12, 6},
		gib:       {32, 64, 31},
		10 * gib:  {204, 64, 31},
		100 * gib: {256, 64, 31},
	} {
		got := [3]int64{reserveOf(total) >> 20, ballastOf(total) >> 20, logPagesOf(total) * pageSize >> 20}
		if got != want {
			t.Errorf("of %d MiB, reserve, ballast and log are %v MiB, want %v", total>>20, got, want)
		}
	}
}
