// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package postgres is the store that several receivers share. It works through PgBouncer with transaction pooling: no
// state of a session outlives a transaction, except prepared statements, which it does without if the pooler does not know
// them.
//
// # Layers
//
// From the top:
//
//   - A call of the [store.Store] interface (ingest.go, arrival.go, advance.go, lease.go, schedule.go, peek.go, coalesce.go,
//     deadletter.go, leadership.go, pause.go, purge.go, read.go) validates its arguments and runs in a transaction.
//   - A group (group.go) collects concurrent calls of Ingest, those of Advance, and those of Peek, into one transaction. Every
//     other call has its own.
//   - A tx (tx.go) begins and commits the transaction. It retries conflicts and applies the tally of counts.
//   - Statements (statement.go) queue SQL with its values and send all of it in one round trip. Those of writes and of
//     Peek are prepared on the connection (prepared.go).
//   - Lanes (lanes.go) are the locked rows of conversations, changed in memory and saved once. Those of class Conversations
//     are persons (person.go), whose further names are in the table names. A lockSet (lock.go) collects the keys that a
//     transaction needs and locks them in one order, so that receivers do not deadlock.
//
// Beside them, a database (database.go, access.go, migrate.go) holds the connections and migrates the schema, and
// errors.go translates the errors of the driver into errors without secrets.
package postgres

import (
	"log/slog"
	"sync"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Access is how to reach the database. All of it is secret.
type Access struct {
	URL string // postgres://user:password@host:port/database?sslmode=verify-full
	CA  string // PEM, of the certificate of the server; defaults to the authorities of the system
}

// Options tune a store. The zero value is a good choice.
type Options struct {
	MaxConnections int             // of this process. Defaults to 16
	Queue          int             // maximum number of waiting deliveries, of steps, and of peeks; further ones get store.ErrBusy. Defaults to 4096
	Clock          clockwork.Clock // defaults to the real clock
	Log            *slog.Logger    // defaults to none

	timeouts   timeouts // defaults to defaultTimeouts
	nameSuffix string   // of the application_name of its sessions
}

// Store implements [store.Store] on a PostgreSQL database.
type Store struct {
	access   func() Access
	options  Options
	limits   string // statement that configures a transaction
	clock    clockwork.Clock
	ingests  *group[*delivery]
	advances *group[*advance]
	peeks    *group[*peek]

	mu       sync.RWMutex
	database *database // that access led to in the last call
	closed   bool
	closing  sync.WaitGroup // databases being closed
}

var _ store.Store = (*Store)(nil)

// Open returns a store that calls access whenever it needs the database, so that a rotated password takes effect at
// once. Open does not connect. While the database is unreachable, or its URL is unknown, calls return an error that
// says so; they work once it is reachable. The first receiver that reaches the database migrates its schema.
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

	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}

	if options.timeouts == (timeouts{}) {
		options.timeouts = defaultTimeouts
	}

	s := &Store{
		access:  access,
		options: options,
		limits:  options.timeouts.limits(),
		clock:   options.Clock,
	}
	s.ingests = newGroup(s, s.write, ingestAll, s.settle)
	s.advances = newGroup(s, s.write, advanceAll, nil)
	s.peeks = newGroup(s, s.readPrepared, peekAll, nil)

	return s
}

// Close completes the accepted writes, waits for other calls, and disconnects.
func (s *Store) Close() error {
	s.ingests.close()
	s.advances.close()
	s.peeks.close()
	s.mu.Lock()
	database := s.database
	s.database = nil
	s.closed = true
	s.mu.Unlock()

	if database != nil {
		database.close()
	}

	s.closing.Wait()

	return nil
}

// current returns the database that access leads to. If access has changed, the previous database is closed: idle
// connections at once, the others after their transactions.
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
			s.closing.Go(d.close)
		}

		s.database = newDatabase(access, s.options)
	}

	return s.database, nil
}
