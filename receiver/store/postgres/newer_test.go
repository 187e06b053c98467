// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
)

// A newer release has migrated the schema, and its receiver is replaced by one of this release.
func TestNewerSchema(t *testing.T) {
	for name, c := range map[string]struct {
		changes string
		want    string // in the error; empty if the store works
	}{
		"that this program can work on": {"", ""},
		"that needs a newer program":    {"INSERT INTO compatibility VALUES (999)", "needs a program that supports version 999"},
		"without a record":              {"DROP VIEW compatibility", "has version 999"},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := server.NewUser()
			if err != nil {
				t.Fatal(err)
			}

			access := Access{URL: user.URL}
			if err := openStore(t, access).Ping(t.Context()); err != nil {
				t.Fatal(err)
			}

			server.Exec(t, "SET search_path = "+user.Name+`;
				INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true);
				ALTER TABLE events ADD COLUMN added INT;
				`+c.changes)

			_, err = openStore(t, access).Ingest(t.Context(), []store.Event{message(1, 1)})
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("Ingest returned %v, want %q", err, c.want)
			}
		})
	}
}

// A release before the events of later answers would end them without a send.
func TestOlderProgramWhileLaterAnswersArePending(t *testing.T) {
	for _, kind := range []store.Kind{store.KindOutbound, store.KindAnswerDeadline, store.KindDeskMessage} {
		t.Run(string(kind), func(t *testing.T) {
			user, err := server.NewUser()
			if err != nil {
				t.Fatal(err)
			}

			access := Access{URL: user.URL}
			s := openStore(t, access)

			if _, err := s.Ingest(t.Context(), []store.Event{message(1, 1)}); err != nil {
				t.Fatal(err)
			}

			if err := openAs(t, access, 6); err != nil {
				t.Errorf("a program of version 6 returned %v for a store without later answers", err)
			}

			e := message(2, 1)
			e.Kind = kind

			if _, err := s.Ingest(t.Context(), []store.Event{e}); err != nil {
				t.Fatal(err)
			}

			refused, ok := errors.AsType[*schema.IncompatibleError](openAs(t, access, 6))
			if !ok || refused.Oldest != 7 || refused.Own != 6 {
				t.Errorf("a program of version 6 returned %+v, want that it needs version 7", refused)
			}

			if err := openAs(t, access, 7); err != nil {
				t.Errorf("a program of version 7 returned %v", err)
			}

			server.Exec(t, "UPDATE "+user.Name+".events SET state = 'done'")

			if err := openAs(t, access, 6); err != nil {
				t.Errorf("a program of version 6 returned %v after the end of the later answers", err)
			}
		})
	}
}

// openAs returns the decision of a program of an earlier version about a store.
func openAs(t *testing.T, access Access, version int) error {
	t.Helper()

	d := newDatabase(access, testOptions(Options{MaxConnections: 2}))
	defer d.close()

	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}

	known := fstest.MapFS{}

	for _, file := range files[:version] {
		content, err := migrations.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		known[filepath.Base(file)] = &fstest.MapFile{Data: content}
	}

	return d.withMigrations(t.Context(), func(db *sql.DB, _ *goose.Provider) error {
		provider, err := goose.NewProvider(goose.DialectPostgres, db, known, goose.WithDisableGlobalRegistry(true))
		if err != nil {
			return err
		}

		return schema.Migrate(t.Context(), db, provider, oldestReader, nil)
	})
}

func TestMigrationByAnotherReceiverIsReported(t *testing.T) {
	access := newAccess(t)

	other, err := pgx.Connect(t.Context(), access.URL)
	if err != nil {
		t.Fatal(err)
	}

	defer func() {
		if err := other.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()

	if _, err := other.Exec(t.Context(), "SELECT pg_advisory_lock($1::bigint)", int64(migrationLock)); err != nil {
		t.Fatal(err)
	}

	s := openStore(t, access)
	ping := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()

		return s.Ping(ctx)
	}

	eventually(t, "the migration is reported", func() error {
		err := ping()
		if _, ok := errors.AsType[*store.MigratingError](err); !ok {
			return fmt.Errorf("Ping returned %w", err)
		}

		return nil
	})

	if _, err := other.Exec(t.Context(), "SELECT pg_advisory_unlock($1::bigint)", int64(migrationLock)); err != nil {
		t.Fatal(err)
	}

	eventually(t, "the store is used", ping)
}
