// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// provenFor is how long a commit proves that the store accepts events. An idle store is probed at this interval with
	// a write of one page, some 12 MB a day.
	provenFor = 30 * time.Second
	// maxBatchAge is the age from which a batch in progress is taken as a sign that the disk hangs.
	maxBatchAge = time.Second

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

// probe returns the number of bytes that a probe has to write, or 0 if no probe is needed.
func (e *evidence) probe(now time.Time) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()

	hangs := !e.began.IsZero() && now.Sub(e.began) > maxBatchAge
	age := now.Sub(e.committed)

	switch {
	case e.failed:
		return largeProbe
	case hangs, age < 0, age >= provenFor: // a negative age means that the clock was set back
		return smallProbe
	default:
		return 0
	}
}

// Ping implements store.Maintenance. It writes nothing if a recent commit proves that the store accepts events. After a
// failure it writes and grows the file, as storing an event would.
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
		if s.writer.queue.Len() >= s.writer.capacity {
			return fmt.Errorf("write to the store: %w", store.ErrBusy)
		}

		return nil
	}

	err := s.writer.do(ctx, func(t *tx) error {
		if _, err := t.exec("INSERT INTO probe (pad) VALUES (zeroblob(?))", size); err != nil {
			return err
		}

		_, err := t.exec("DELETE FROM probe")

		return err
	})
	if err != nil {
		return fmt.Errorf("write to the store: %w", nameFull(err))
	}

	if size == largeProbe {
		s.writer.evidence.recover()
	}

	return nil
}
