// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of database/sql
	"github.com/jonboulle/clockwork"
	"github.com/pressly/goose/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/storetest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

// TestEndPendingAfterAnInterruption runs the command again after it was interrupted while it had leased conversations.
func TestEndPendingAfterAnInterruption(t *testing.T) {
	const lanes = 300 // more than are leased at once

	_, user := newUser(t)

	within(t, openDatabase(user.URL), func(inbox store.Store) {
		for n := range lanes {
			e := pending
			e.ID = store.NewID(store.KindMessage, strconv.Itoa(n))
			e.Lane = strconv.Itoa(n)

			if _, err := inbox.Ingest(t.Context(), []store.Event{e}); err != nil {
				t.Error(err)
			}
		}

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()

		interrupted := &storetest.Interrupted{Store: inbox, Cancel: cancel}
		if _, err := store.EndRestored(ctx, interrupted, time.Now()); err == nil {
			t.Error("EndRestored returned no error after its context ended")
		}
	})

	if err := endInDatabase(t); err != nil {
		t.Fatal(err)
	}

	within(t, openDatabase(user.URL), func(inbox store.Store) {
		stats, err := inbox.Stats(t.Context(), time.Now())
		if err != nil || stats.Pending != 0 || stats.DeadLetters != lanes {
			t.Errorf("the store has %+v, %v, want %d dead letters", stats, err, lanes)
		}
	})
}

// TestEndPendingOfStatusesAfterAnInterruption runs the command again after it was killed, or lost the database, while it
// held the lanes of statuses. It releases nothing then.
func TestEndPendingOfStatusesAfterAnInterruption(t *testing.T) {
	_, user := newUser(t)

	deadline := pending
	deadline.Kind = store.KindAnswerDeadline
	deadline.Class = store.Statuses

	report := deadline
	report.ID = store.NewID(store.KindStatusReport, "report")
	report.Kind = store.KindStatusReport
	report.Lane = store.ReportLane + "1"

	within(t, openDatabase(user.URL), func(inbox store.Store) {
		if _, err := inbox.Ingest(t.Context(), []store.Event{deadline, report}); err != nil {
			t.Error(err)
		}

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()

		killed := &killedStore{Interrupted: storetest.Interrupted{Store: inbox, Cancel: cancel}}
		if _, err := store.EndRestored(ctx, killed, time.Now()); err == nil {
			t.Error("EndRestored returned no error after its context ended")
		}
	})

	if err := endInDatabase(t); err != nil {
		t.Fatal(err)
	}

	within(t, openDatabase(user.URL), func(inbox store.Store) {
		if record, err := inbox.Get(t.Context(), deadline.ID); err != nil || record.Event.State != store.Expired {
			t.Errorf("the deadline is %+v, %v, want it expired", record, err)
		}

		now := time.Now()

		leases, err := inbox.Claim(t.Context(), store.Statuses, now, now.Add(time.Minute), 10)
		if err != nil || len(leases) != 1 || leases[0].Work.Event.ID != report.ID {
			t.Errorf("claimed %v, %v, want the report, which stays", leases, err)
		}
	})
}

// killedStore is a store whose caller is killed after its first claim, so that it releases no lease.
type killedStore struct{ storetest.Interrupted }

// Release implements store.Queue.
func (*killedStore) Release(context.Context, store.LeaseRef, time.Time) error { return store.ErrClosed }

// TestEndPendingOfAnOlderSchema ends what is pending in a dump that a release with an older schema has made.
func TestEndPendingOfAnOlderSchema(t *testing.T) {
	server, user := newUser(t)

	migrations := migrationsOf(t, user.URL)
	if _, err := migrations.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}

	server.Exec(t, "SET search_path = "+user.Name+`;
		INSERT INTO events (seq, id, kind, type, state, class, lane, phone_number_id, received_at, payload) VALUES
			(1, '01000000-0000-0000-0000-000000000000', 'message', 'text', 'pending', 0, 'lane', '1065', 1000, '{}');
		INSERT INTO conversations (lane, class, ready_at) VALUES ('lane', 0, 1000);
		UPDATE counts SET pending = 1 WHERE slot = 0`)

	if err := endInDatabase(t); err != nil {
		t.Fatal(err)
	}

	if current, newest, err := migrations.GetVersions(t.Context()); err != nil || current != newest {
		t.Errorf("the schema has version %d, %v, want %d", current, err, newest)
	}

	within(t, openDatabase(user.URL), func(inbox store.Store) {
		record, err := inbox.Get(t.Context(), store.ID{1})
		if err != nil || record.Event.State != store.Dead {
			t.Errorf("the message is %+v, %v, want a dead letter", record, err)
		}
	})
}

// TestCommandsDuringADump runs the commands that migrate a store while a session reads its tables, which ends later.
func TestCommandsDuringADump(t *testing.T) {
	for name, run := range map[string]func(*testing.T, io.Writer) error{
		"end-pending": func(t *testing.T, reporting io.Writer) error {
			e := pendingEnd{
				database:  database{clock: clockwork.NewRealClock()},
				place:     inDatabase,
				reporting: reporting,
			}

			return e.run(t.Context())
		},
		"move-store": func(t *testing.T, reporting io.Writer) error {
			file := filepath.Join(t.TempDir(), "inbox.db")
			within(t, func() (store.Store, error) { return sqlite.Open(t.Context(), file, sqlite.Options{}) }, func(store.Store) {})

			m := move{
				database:  database{clock: clockwork.NewRealClock()},
				from:      file,
				to:        inDatabase,
				reporting: reporting,
			}

			return m.run(t.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, user := newUser(t)

			migrations := migrationsOf(t, user.URL)
			if _, err := migrations.UpTo(t.Context(), 6); err != nil {
				t.Fatal(err)
			}

			dump := &dump{T: t}

			var err error
			if dump.session, err = pgx.Connect(t.Context(), user.URL); err != nil {
				t.Fatal(err)
			}

			for _, statement := range []string{"BEGIN", "LOCK TABLE events, conversations, replies IN ACCESS SHARE MODE"} {
				if _, err := dump.session.Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}

			if err := run(t, dump); err != nil {
				t.Error(err)
			}

			if !dump.ended {
				t.Error("the command did not report that it waits for the dump")
			}

			if err := dump.session.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// dump is a session that reads the tables until a command reports that it waits for it.
type dump struct {
	*testing.T
	session *pgx.Conn
	ended   bool
}

// Write implements io.Writer.
func (d *dump) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "such as a dump") && !d.ended {
		d.ended = true

		if _, err := d.session.Exec(d.Context(), "ROLLBACK"); err != nil {
			d.Error(err)
		}
	}

	return len(line), nil
}

// TestEndPendingOfALockedLane leaves out what another program has locked, and says so.
func TestEndPendingOfALockedLane(t *testing.T) {
	deadline := pending
	deadline.Kind = store.KindAnswerDeadline
	deadline.Class = store.Statuses

	for want, e := range map[string]store.Event{
		"1 messages are still pending": pending,
		"statuses are still pending":   deadline,
	} {
		t.Run(want, func(t *testing.T) {
			_, user := newUser(t)

			within(t, openDatabase(user.URL), func(inbox store.Store) {
				if _, err := inbox.Ingest(t.Context(), []store.Event{e}); err != nil {
					t.Error(err)
				}
			})

			other, err := pgx.Connect(t.Context(), user.URL)
			if err != nil {
				t.Fatal(err)
			}

			for _, statement := range []string{"BEGIN", "SELECT FROM conversations FOR UPDATE"} {
				if _, err := other.Exec(t.Context(), statement); err != nil {
					t.Error(err)
				}
			}

			waitForEndOfStores(t, user.URL)

			if err := endInDatabase(t); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("run returned %v, want that %s", err, want)
			}

			if err := other.Close(t.Context()); err != nil {
				t.Fatal(err)
			}

			waitForEndOfStores(t, user.URL)

			if err := endInDatabase(t); err != nil {
				t.Error(err)
			}
		})
	}
}

// waitForEndOfStores waits until the server has ended the sessions of closed stores.
func waitForEndOfStores(t *testing.T, url string) {
	t.Helper()

	if err := pgtest.WaitForEndOfSessions(t.Context(), url, "whatsapp-webhook-receiver"); err != nil {
		t.Fatal(err)
	}
}

// newUser returns a server with an empty database, whose URL the environment has.
func newUser(t *testing.T) (*pgtest.Server, pgtest.User) {
	t.Helper()

	server := pgtest.New(t, pgtest.Options{})

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	t.Setenv(urlVariable, user.URL)

	return server, user
}

// endInDatabase runs the command on the database of the environment.
func endInDatabase(t *testing.T) error {
	t.Helper()

	e := pendingEnd{
		database:  database{clock: clockwork.NewRealClock()},
		place:     inDatabase,
		reporting: io.Discard,
	}

	return e.run(t.Context())
}

// migrationsOf returns the migrations of the schema of a database.
func migrationsOf(t *testing.T, url string) *goose.Provider {
	t.Helper()

	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})

	files := os.DirFS("../../receiver/store/postgres/migrations")

	migrations, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}

	return migrations
}
