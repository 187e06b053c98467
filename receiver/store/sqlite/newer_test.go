// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
)

// A newer release has migrated the schema, and is replaced by this release.
func TestNewerSchema(t *testing.T) {
	for name, c := range map[string]struct {
		changes []string
		want    string // in the error; empty if the store works
	}{
		"that this program can work on": {nil, ""},
		"that needs a newer program": {
			[]string{"INSERT INTO compatibility VALUES (999)"},
			"needs a program that supports version 999",
		},
		"without a record": {[]string{"DROP VIEW compatibility"}, "has version 999"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "inbox.db")

			s, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}

			ingest(t, s, 1)

			err = s.writer.do(t.Context(), func(t *tx) error {
				for _, sql := range append([]string{
					"INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)",
					"ALTER TABLE events ADD COLUMN added INTEGER",
				}, c.changes...) {
					if _, err := t.exec(sql); err != nil {
						return err
					}
				}

				return nil
			})
			if err != nil {
				t.Fatal(err)
			}

			if err := s.Close(); err != nil {
				t.Fatal(err)
			}

			if c.want == "" {
				s := openStore(t, path)
				ingest(t, s, 2)

				if n := claimAll(t, s); n != 1 {
					t.Errorf("%d lanes were claimed, want the one that has events", n)
				}

				return
			}

			if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open returned %v, want %q", err, c.want)
			}
		})
	}
}

// An older program reads an index that this program's migrations have replaced.
func TestOlderProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	openStore(t, path)

	refused, ok := errors.AsType[*schema.IncompatibleError](openAs(t, path, oldestReader-1))
	if !ok || refused.Oldest != oldestReader || refused.Own != oldestReader-1 {
		t.Errorf("a program of version %d returned %+v, want that it needs version %d", oldestReader-1, refused, oldestReader)
	}

	if err := openAs(t, path, oldestReader); err != nil {
		t.Errorf("a program of version %d returned %v", oldestReader, err)
	}
}

// openAs returns the decision of a program of an earlier version about a store.
func openAs(t *testing.T, path string, version int) error {
	t.Helper()

	connector, err := sqlite.NewConnector(dsn(path, reading))
	if err != nil {
		t.Fatal(err)
	}

	db := sql.OpenDB(connector)
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()

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

	provider, err := goose.NewProvider(goose.DialectSQLite3, db, known, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}

	return schema.Migrate(t.Context(), db, provider, oldestReader, nil)
}

func TestProgressOfAMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")

	var got []store.Migration

	options := Options{Progress: func(m store.Migration) { got = append(got, m) }}
	if err := openWith(t, path, options).Close(); err != nil {
		t.Fatal(err)
	}

	var want []store.Migration
	for step := range got {
		want = append(want, store.Migration{Step: step + 1, Of: len(got)})
	}

	if diff := cmp.Diff(want, got); diff != "" || len(got) < oldestReader {
		t.Errorf("steps of a new store (-want +got):\n%s", diff)
	}

	got = nil

	openWith(t, path, options)

	if len(got) > 0 {
		t.Errorf("a store of the newest version was migrated in %d steps", len(got))
	}
}
