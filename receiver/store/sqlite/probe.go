// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// proofTTL is how long a commit proves that the store accepts events. The disk of an idle store is probed at this
	// interval with a write of probeSize, 12 MB a day. A commit writes several times as much: a page of the log, of its
	// index, and of the database.
	proofTTL  = 30 * time.Second
	probeSize = 4096

	// probeSuffix follows the name of the database in the name of the probe file.
	probeSuffix = ".probe"
	// maxBatchAge is the age from which a batch in progress is taken as a sign that the disk hangs.
	maxBatchAge = time.Second

	// diskProbe overwrites the probed file. The space for events is known without a write: see disk.admit.
	diskProbe = -1
	// smallProbe commits, and so waits for a batch in progress.
	smallProbe = 1
	// largeProbe needs further pages, as an event does. A nearly full disk may accept a small write and no event.
	largeProbe = 64 << 10
)

// evidence summarizes the latest writes, which show whether the store accepts events.
type evidence struct {
	mu        sync.Mutex
	committed time.Time // of the last transaction that wrote; zero if none did
	began     time.Time // start of the batch in progress; zero if there is none
	failed    bool      // SQLite has failed since the last large probe succeeded
}

func (e *evidence) begin(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.began = now
}

func (e *evidence) commit(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.committed = now
}

// end records the outcome of a batch. Only failures of SQLite count: an operation may fail for reasons of its own.
func (e *evidence) end(batch []*operation) {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.began = time.Time{}

	for _, op := range batch {
		if _, ok := errors.AsType[*sqlite.Error](op.Err); ok {
			e.failed = true
		}
	}
}

func (e *evidence) recover() {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.failed = false
}

// probe returns the number of bytes that a probe has to write to the database, 0 if no probe is needed, or diskProbe.
func (e *evidence) probe(now time.Time) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()

	hangs := !e.began.IsZero() && now.Sub(e.began) > maxBatchAge
	age := now.Sub(e.committed)

	switch {
	case e.failed:
		return largeProbe
	case hangs:
		return smallProbe
	case age < 0, age >= proofTTL: // a negative age means that the clock was set back
		return diskProbe
	default:
		return 0
	}
}

// Ping implements store.Maintenance. It writes nothing if a recent commit proves that the store accepts events. Otherwise it
// writes a page to the disk. After a failure it writes to the database and grows it, as storing an event would.
func (s *Store) Ping(ctx context.Context) error {
	select {
	case <-s.closed:
		return fmt.Errorf("write to the store: %w", store.ErrClosed)
	default:
	}

	if err := s.disk.admit(); err != nil {
		return fmt.Errorf("store events: %w", err)
	}

	size := s.writer.evidence.probe(s.writer.clock.Now())
	if size == 0 {
		if s.writer.queues.deliveries.Len() >= s.writer.capacity {
			return fmt.Errorf("write to the store: %w", store.ErrBusy)
		}

		return nil
	}

	err := s.writer.do(ctx, func(t *tx) error {
		if size == diskProbe {
			err := writeProbeFile(s.disk.path + probeSuffix)
			t.wrote = t.wrote || err == nil // it counts as a commit

			return err
		}

		if _, err := t.exec("INSERT INTO probe (pad) VALUES (zeroblob(?))", size); err != nil {
			return err
		}

		_, err := t.exec("DELETE FROM probe")

		return err
	})
	if err != nil {
		return fmt.Errorf("write to the store: %w", withDiskFull(err))
	}

	if size == largeProbe {
		s.writer.evidence.recover()
	}

	return nil
}

// writeProbeFile writes a small file in place, durably, and creates it if it is missing.
func writeProbeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the file that probes the disk: %w", err)
	}

	_, err = f.WriteAt(make([]byte, probeSize), 0)
	if err == nil {
		err = f.Sync()
	}

	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the file that probes the disk: %w", err)
	}

	return nil
}
