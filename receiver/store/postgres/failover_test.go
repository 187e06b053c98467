// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Connections that were opened to a read-only server, as to a standby during a failover, are replaced: by the call that needs a
// write, and by the probe of readiness.
func TestConnectionsLeaveAReadOnlyServer(t *testing.T) {
	for name, call := range map[string]func(context.Context, *Store) error{
		"a delivery": func(ctx context.Context, s *Store) error {
			_, err := s.Ingest(ctx, []store.Event{message(1, 1)})
			return err
		},
		"a probe that reads": func(ctx context.Context, s *Store) error { return s.read(ctx, askWritable) },
	} {
		t.Run(name, func(t *testing.T) {
			user, err := server.NewUser()
			if err != nil {
				t.Fatal(err)
			}

			s := openStore(t, Access{URL: user.URL})

			if err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}

			d, err := s.current()
			if err != nil {
				t.Fatal(err)
			}

			server.Exec(t, "ALTER USER "+user.Name+" SET default_transaction_read_only = on")
			d.pool.Reset() // the setting applies to new connections

			var f *fault
			if err := call(t.Context(), s); !errors.As(err, &f) || f.code != codeReadOnly {
				t.Fatalf("a call returned %v, want that the database is read-only", err)
			}

			server.Exec(t, "ALTER USER "+user.Name+" RESET default_transaction_read_only")
			eventually(t, "the store accepts events again", func() error { return call(t.Context(), s) })
		})
	}
}

// A database that stays read-only is not connected to anew by each call.
func TestConnectionsToAReadOnlyServerAreKeptForAWhile(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	clock := clockwork.NewFakeClock()
	s := openLive(t, func() Access { return Access{URL: user.URL} }, Options{Clock: clock})

	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	d, err := s.current()
	if err != nil {
		t.Fatal(err)
	}

	opened := func() int64 { return d.pool.Stat().NewConnsCount() }
	fail := func() { d.leaveReadOnly(&fault{code: codeReadOnly}) }
	read := func() {
		t.Helper()

		if err := s.read(t.Context(), askWritable); err != nil {
			t.Fatal(err)
		}
	}

	before := opened()

	for range 5 {
		fail()
		read()
	}

	if n := opened() - before; n != 1 {
		t.Errorf("5 failures within a second opened %d connections, want 1", n)
	}

	clock.Advance(renewInterval)
	fail()
	read()

	if n := opened() - before; n != 2 {
		t.Errorf("a failure after a second opened %d connections in all, want 2", n)
	}
}
