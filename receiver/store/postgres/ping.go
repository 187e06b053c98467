// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// readProofTTL is how long a successful transaction proves that the database answers.
	readProofTTL = 10 * time.Second
	// writeProofTTL is how long a committed write proves that the database accepts writes, as long as it answers and says that
	// it is the primary.
	writeProofTTL = 5 * time.Minute
)

// evidence summarizes the latest transactions, which show whether a database accepts events.
type evidence struct {
	mu       sync.Mutex
	answered time.Time // of the last transaction that succeeded; zero if none did
	written  time.Time // of the last transaction that wrote
	failed   bool      // a transaction has failed since the last probe that wrote
}

// probe is the work of a ping.
type probe int

const (
	noProbe probe = iota
	readProbe
	writeProbe
)

func (e *evidence) probe(now time.Time) probe {
	e.mu.Lock()
	defer e.mu.Unlock()

	fresh := func(at time.Time, limit time.Duration) bool { return !at.After(now) && now.Sub(at) < limit }

	switch {
	case e.failed, !fresh(e.written, writeProofTTL):
		return writeProbe
	case !fresh(e.answered, readProofTTL):
		return readProbe
	default:
		return noProbe
	}
}

// record records the outcome of a transaction. A conflict and a call that its caller canceled prove nothing.
func (e *evidence) record(now time.Time, wrote bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()

	var f *fault

	switch {
	case err == nil:
		e.answered = now
		if wrote {
			e.written = now
		}
	case isConflict(err), notPrepared(err), errors.Is(err, context.Canceled):
	case errors.Is(err, errUnreachable), errors.As(err, &f):
		e.failed = true
	}
}

func (e *evidence) recover() {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.failed = false
}

// Ping implements store.Maintenance. It makes no trip if a recent transaction proves that the database accepts events.
// Otherwise it reads, and after a failure or a long time without a write it writes and commits, as storing an event would.
func (s *Store) Ping(ctx context.Context) error {
	d, err := s.current()
	if err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}

	switch d.evidence.probe(s.clock.Now()) {
	case writeProbe:
		err = s.write(ctx, func(_ context.Context, t *tx) error {
			t.wrote = true
			t.exec("UPDATE counts SET pending = pending WHERE " + countsRow)

			return nil
		})
		if err == nil {
			d.evidence.recover()
		}
	case readProbe:
		err = s.read(ctx, askWritable)
	}

	if err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}

	return nil
}

// askWritable queues a query whose result is an error if the connection leads to a standby, as after a failover, or to a
// database that was made read-only.
func askWritable(_ context.Context, t *tx) error {
	t.query("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'", func(rows pgx.Rows) error {
		readOnly := false
		if err := rows.Scan(&readOnly); err != nil {
			return err
		}

		if readOnly {
			return &fault{text: reported[codeReadOnly], code: codeReadOnly}
		}

		return nil
	})

	return nil
}
