// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
)

func TestPingMakesFewTrips(t *testing.T) {
	access := newAccess(t)
	clock := clockwork.NewFakeClock()
	s := openLive(t, func() Access { return access }, Options{Clock: clock})

	var trips, writes atomic.Int64

	s.database = watched(t, access, func(trip []sentStatement) {
		trips.Add(1)

		for _, s := range trip {
			if strings.HasPrefix(s.sql, "UPDATE") {
				writes.Add(1)
			}
		}
	})
	ping := func() {
		t.Helper()

		if err := s.Ping(t.Context()); err != nil {
			t.Fatalf("Ping: %v", err)
		}
	}
	ping()

	count := func(n int, every time.Duration) (tripCount, writeCount int64) {
		trips.Store(0)
		writes.Store(0)

		for range n {
			clock.Advance(every)
			ping()
		}

		return trips.Load(), writes.Load()
	}

	if n, _ := count(9, time.Second); n != 0 {
		t.Errorf("probes within %s of a transaction made %d trips, want none", readProofTTL, n)
	}

	if n, w := count(100, 2*time.Second); n == 0 || n > 20 || w != 0 {
		t.Errorf("100 probes, 2 s apart, made %d trips and %d writes, want at most 20 trips and no write", n, w)
	}

	if _, w := count(1, writeProofTTL); w != 1 {
		t.Errorf("a probe %s after the last write made %d writes, want 1", writeProofTTL, w)
	}
}

func TestPingWritesAfterAFailure(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := Access{URL: user.URL}
	clock := clockwork.NewFakeClock()
	s := openLive(t, func() Access { return access }, Options{Clock: clock})

	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	server.Exec(t, "REVOKE UPDATE ON "+user.Name+".counts FROM "+user.Name)

	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping soon after a commit returned %v, want nil", err)
	}

	d, err := s.current()
	if err != nil {
		t.Fatal(err)
	}

	d.evidence.record(clock.Now(), true, &fault{text: "a write failed"})

	if err := s.Ping(t.Context()); err == nil {
		t.Error("Ping after a failed write returned nil while the database denies writes")
	}

	server.Exec(t, "GRANT UPDATE ON "+user.Name+".counts TO "+user.Name)

	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping after the fix: %v", err)
	}
}

func TestPingReportsAReadOnlyDatabase(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := Access{URL: user.URL}
	clock := clockwork.NewFakeClock()
	s := openLive(t, func() Access { return access }, Options{Clock: clock, MaxConnections: 2})

	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	server.Exec(t, "ALTER USER "+user.Name+" SET default_transaction_read_only = on")

	d, err := s.current()
	if err != nil {
		t.Fatal(err)
	}

	d.pool.Reset() // the setting applies to new connections
	clock.Advance(readProofTTL)

	var f *fault
	if err := s.Ping(t.Context()); !errors.As(err, &f) || f.code != codeReadOnly {
		t.Errorf("Ping returned %v, want that the database is read-only", err)
	}
}

// A check of a connection costs the server a transaction. The polls of an idle receiver must not make one each.
func TestConnectionOfThePollsIsNotChecked(t *testing.T) {
	settings, err := configure(newAccess(t), testOptions(Options{}))
	if err != nil {
		t.Fatal(err)
	}

	if settings.HealthCheckPeriod < 2*settings.MaxConnIdleTime {
		t.Errorf("idle connections are closed after %s and checked every %s: the polls keep them in use", settings.MaxConnIdleTime, settings.HealthCheckPeriod)
	}

	const poll = 3 * time.Second // the default

	for idle, want := range map[time.Duration]bool{0: false, poll + time.Second: false, time.Minute: true} {
		if got := settings.ShouldPing(t.Context(), pgxpool.ShouldPingParams{IdleDuration: idle}); got != want {
			t.Errorf("a connection that was idle for %s is checked: %t, want %t", idle, got, want)
		}
	}
}
