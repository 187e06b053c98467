// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// A newer release has migrated the schema, and its receiver is replaced by one of this release.
func TestNewerSchema(t *testing.T) {
	for name, c := range map[string]struct {
		changes string
		want    string // in the error; empty if the store works
	}{
		"that this program can work on": {"", ""},
		"that needs a newer program":    {"INSERT INTO compatibility VALUES (999)", "needs a program that supports version 999"},
		"without a record":              {"DROP TABLE compatibility", "has version 999"},
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
