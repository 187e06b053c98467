// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// hold keeps the writer in a transaction until the returned function is called. It takes the outcome that the
// transaction must have.
func hold(t *testing.T, s *Store) (release func(want error)) {
	t.Helper()

	begun := make(chan struct{})
	end := make(chan struct{})
	ended := make(chan error)

	begin := sync.OnceFunc(func() { close(begun) })
	go func() {
		ended <- s.writer.do(context.Background(), func(*tx) error {
			begin()
			<-end

			return nil
		})
	}()

	<-begun

	return func(want error) {
		t.Helper()
		close(end)

		if err := <-ended; (err == nil) != (want == nil) {
			t.Errorf("the holding operation returned %v, want %v", err, want)
		}
	}
}

// openStanding opens a store whose clock stands still, so that a batch takes all operations that wait, however slow the machine
// is.
func openStanding(t *testing.T) *Store {
	t.Helper()

	return openWith(t, filepath.Join(t.TempDir(), "inbox.db"), Options{Clock: clockwork.NewFakeClock()})
}

// enqueue submits operations. While the writer is held, they form one batch.
func enqueue(t *testing.T, s *Store, runs ...func(*tx) error) []*operation {
	t.Helper()

	var ops []*operation
	for _, run := range runs {
		op, err := s.writer.queues.deliveries.Submit(run)
		if err != nil {
			t.Fatal(err)
		}

		ops = append(ops, op)
	}

	return ops
}

func storing(n int64) func(*tx) error {
	return func(t *tx) error {
		e := message(n, 1)
		_, err := t.ingest(&e, nil)

		return err
	}
}

func TestFailedWriteAffectsNoOther(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		name string
		run  func(*tx) error
		want string
	}{
		{"before writing", func(*tx) error { return failed }, "failed"},
		{"after writing", func(t *tx) error { return errors.Join(storing(9)(t), failed) }, "failed"},
		{"in SQLite", func(t *tx) error {
			_, err := t.exec("INSERT INTO events (seq) VALUES (1)")
			return err
		}, "NOT NULL constraint failed"},
		{"in a query", func(t *tx) error {
			return t.query("SELECT missing", func(row) error { return nil })
		}, "no such column"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStanding(t)
			release := hold(t, s)
			ops := enqueue(t, s, storing(1), c.run, storing(2))

			release(nil)

			for i, op := range ops {
				<-op.Done()

				err := op.Err
				if i == 1 && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("the failing write returned %v, want %q", err, c.want)
				} else if i != 1 && err != nil {
					t.Errorf("write %d: %v", i, err)
				}
			}

			if n := pending(t, s); n != 2 {
				t.Errorf("%d events are pending, want 2", n)
			}
		})
	}
}

func TestFailedCommitStoresNothingAndRecovers(t *testing.T) {
	s := openStanding(t)
	release := hold(t, s)
	skipped := message(1, 1)
	skipped.State = store.Skipped
	skipped.Lane = ""
	ops := enqueue(t, s, func(t *tx) error {
		_, err := t.ingest(&skipped, nil)
		return err
	}, func(t *tx) error {
		_, err := t.exec("ROLLBACK") // leaves nothing to commit
		return err
	})

	release(errors.New("cannot commit"))

	for i, op := range ops {
		<-op.Done()

		if err := op.Err; err == nil || !strings.Contains(err.Error(), "cannot commit") {
			t.Errorf("write %d returned %v, want that the commit failed", i, err)
		}
	}

	if _, err := s.Get(t.Context(), skipped.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get returned %v, want ErrNotFound", err)
	}

	if fresh, err := s.Ingest(t.Context(), []store.Event{skipped}); err != nil || !fresh[0] {
		t.Errorf("Ingest after the failure returned %v, %v", fresh, err)
	}
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	s := openStore(t, path)
	limit := func(pages string) {
		t.Helper()

		err := s.writer.do(t.Context(), func(t *tx) error {
			s.writer.dsn = dsn(path, append(slices.Clone(writing), "max_page_count("+pages+")")) // for the next connection
			return t.query("PRAGMA max_page_count("+pages+")", func(row) error { return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("60")

	var (
		mu     sync.Mutex
		stored int64
		full   error
		all    sync.WaitGroup
	)
	for worker := range 8 {
		all.Go(func() {
			for n := range int64(100) {
				_, err := s.Ingest(t.Context(), []store.Event{message(int64(worker)*1000+n, 4)})

				mu.Lock()
				if err == nil {
					stored++
				} else {
					full = err
				}
				mu.Unlock()
			}
		})
	}

	all.Wait()

	if full == nil || stored == 0 {
		t.Fatalf("%d events were stored, the last failure is %v; want some, then a full disk", stored, full)
	}

	if n := pending(t, s); n != stored {
		t.Errorf("%d events are pending, want the %d reported as stored", n, stored)
	}

	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrDiskFull) {
		t.Errorf("Ping while the disk is full returned %v, want ErrDiskFull", err)
	}

	leases, err := s.Claim(t.Context(), store.Conversations, start, start, 1)
	if err != nil || len(leases) != 1 {
		t.Errorf("Claim returned %v, %v: stored work must continue", leases, err)
	}

	limit("100000")
	ingest(t, s, 100_000)

	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}

	if n := pending(t, s); n != stored+1 {
		t.Errorf("%d events are pending, want %d", n, stored+1)
	}
}

func TestFullQueueIsBusy(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), Options{Queue: 1})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	release := hold(t, s)

	ops := enqueue(t, s, storing(1))
	if _, err := s.Ingest(t.Context(), []store.Event{message(2, 1)}); !errors.Is(err, store.ErrBusy) {
		t.Errorf("Ingest returned %v, want ErrBusy", err)
	}

	release(nil)

	<-ops[0].Done()

	if err := ops[0].Err; err != nil {
		t.Error(err)
	}

	ingest(t, s, 2)
}

func TestContextEndsBeforeWriteStarts(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())

	left := make(chan error)
	go func() {
		left <- s.writer.do(ctx, storing(1))
	}()

	cancel()

	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the write returned %v, want context.Canceled", err)
	}

	release(nil)
	ingest(t, s, 2)

	if n := pending(t, s); n != 1 {
		t.Errorf("%d events are pending, want 1: the write must not run after its context ended", n)
	}
}

func TestContextEndsAfterWriteStarted(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))
	ctx, cancel := context.WithCancel(t.Context())

	err := s.writer.do(ctx, func(t *tx) error {
		cancel()
		return storing(1)(t)
	})
	if err != nil {
		t.Errorf("the write returned %v, want nil: it is durable", err)
	}

	if n := pending(t, s); n != 1 {
		t.Errorf("%d events are pending, want 1", n)
	}
}

// A delivery does not wait for a disk that hangs: it is answered 503, and its redelivery is recognized.
func TestDeliveryDoesNotWaitForHangingWrite(t *testing.T) {
	s := openStanding(t)
	ctx, cancel := context.WithCancel(t.Context())
	hanging := make(chan struct{})
	release := make(chan struct{})
	ended := make(chan error)

	held := hold(t, s)
	go func() {
		_, err := s.Ingest(ctx, []store.Event{message(1, 1)})
		ended <- err
	}()

	for s.writer.queues.deliveries.Len() == 0 {
		runtime.Gosched()
	}

	enqueue(t, s, func(*tx) error { close(hanging); <-release; return nil }) // in the same batch as the delivery

	var holding sync.WaitGroup
	holding.Go(func() { held(nil) })
	<-hanging
	cancel()

	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Ingest returned %v, want context.Canceled", err)
	}

	close(release)
	holding.Wait()

	if fresh, err := s.Ingest(t.Context(), []store.Event{message(1, 1)}); err != nil || fresh[0] {
		t.Errorf("the redelivery is fresh: %v, %v", fresh, err)
	}

	if n := pending(t, s); n != 1 {
		t.Errorf("%d events are pending, want 1", n)
	}
}

func TestCloseCompletesAcceptedWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	s := openStore(t, path)
	release := hold(t, s)
	ops := enqueue(t, s, storing(1), storing(2))

	closed := make(chan error)
	go func() { closed <- s.Close() }()

	release(nil)

	if err := <-closed; err != nil {
		t.Error(err)
	}

	for _, op := range ops {
		<-op.Done()

		if err := op.Err; err != nil {
			t.Error(err)
		}
	}

	if n := pending(t, openStore(t, path)); n != 2 {
		t.Errorf("%d events are pending, want 2", n)
	}
}
