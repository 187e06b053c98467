// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package postgres is the store that several receivers share. What they do at the same time is kept apart by locks on the
// rows of lanes, always taken in the same order; what arrives together shares a transaction and a few statements.
//
// Everything works through PgBouncer in transaction pooling: nothing outlives a transaction.
package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// callTimeout bounds every call, besides the deadline of its context: on the server too, where a transaction that its
// client forgot would hold its locks.
const callTimeout = 15 * time.Second

// Access says how to reach the database. All of it is secret.
type Access struct {
	URL string // postgres://user:password@host:port/database?sslmode=verify-full
	CA  string // PEM; when given, and the URL has no sslmode, that is verify-full
}

// Options tune a store. The zero value is a good choice.
type Options struct {
	MaxConnections int             // of this process. Defaults to 16
	Queue          int             // maximum number of waiting deliveries, and of steps; further ones get store.ErrBusy. Defaults to 4096
	Clock          clockwork.Clock // defaults to the real clock
}

// Store implements store.Store.
type Store struct {
	access   func() Access
	options  Options
	clock    clockwork.Clock
	ingests  *group[*delivery]
	advances *group[*advance]

	mu       sync.RWMutex
	database *database // that access leads to now
	closed   bool
	leaving  sync.WaitGroup // databases that are being left
}

var _ store.Store = (*Store)(nil)

// Open returns a store that asks access where its database is whenever it needs it, so that a rotated password is in use
// at once. It does not connect: as long as the database is away, or how to reach it is not known, calls fail and
// say why, and once it is there they work. Whoever reaches it first brings its schema up to date.
func Open(access func() Access, options Options) *Store {
	if options.MaxConnections <= 0 {
		options.MaxConnections = 16
	}

	if options.Queue <= 0 {
		options.Queue = 4096
	}

	if options.Clock == nil {
		options.Clock = clockwork.NewRealClock()
	}

	s := &Store{
		access:  access,
		options: options,
		clock:   options.Clock,
	}
	s.ingests = newGroup(s, ingestAll)
	s.advances = newGroup(s, advanceAll)

	return s
}

// Close finishes the writes that were accepted, waits for other calls, and disconnects.
func (s *Store) Close() error {
	s.ingests.close()
	s.advances.close()
	s.mu.Lock()
	last := s.database
	s.database = nil
	s.closed = true
	s.mu.Unlock()

	if last != nil {
		last.close()
	}

	s.leaving.Wait()

	return nil
}

// Ping writes and commits, as storing an event would.
func (s *Store) Ping(ctx context.Context) error {
	err := s.write(ctx, func(_ context.Context, t *tx) error {
		t.exec("UPDATE counts SET pending = pending WHERE " + slot)
		return nil
	})
	if err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}

	return nil
}

// current returns the database that access leads to now. The one before is left: idle connections are closed at once,
// those in use after their transaction.
func (s *Store) current() (*database, error) {
	access := s.access()
	s.mu.RLock()
	d := s.database
	closed := s.closed
	s.mu.RUnlock()

	if closed {
		return nil, store.ErrClosed
	}

	if d != nil && d.access == access {
		return d, nil
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	if s.closed {
		return nil, store.ErrClosed
	}

	if d := s.database; d == nil || d.access != access {
		if d != nil {
			s.leaving.Go(d.close)
		}

		s.database = newDatabase(access, s.options.MaxConnections, s.clock)
	}

	return s.database, nil
}
