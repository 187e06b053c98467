// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// A dump reads all tables in one transaction, perhaps for an hour. A receiver of the next release waits for its end, and the
// receivers of the previous one store deliveries meanwhile.
func TestMigrationDuringADump(t *testing.T) {
	for _, version := range []int{2, 5, 6, 11} {
		t.Run(fmt.Sprint("from version ", version), func(t *testing.T) {
			user, err := server.NewUser()
			if err != nil {
				t.Fatal(err)
			}

			access := Access{URL: user.URL}
			if err := openAs(t, access, version); err != nil {
				t.Fatal(err)
			}

			dump := connectTo(t, access)

			for _, statement := range []string{
				"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
				"LOCK TABLE events, conversations, replies IN ACCESS SHARE MODE",
			} {
				if _, err := dump.Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}

			previous, monitor, s := connectTo(t, access), connectTo(t, access), openStore(t, access)

			ping := func() error {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()

				return s.Ping(ctx)
			}

			eventually(t, "the migration waits for the dump", func() error {
				if migrating, ok := errors.AsType[*store.MigratingError](ping()); !ok || migrating.Step == 0 {
					return errors.New("the step of the migration is not reported")
				}

				var waiting bool
				if err := monitor.QueryRow(t.Context(), `
					SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
						AND relation IN ('events'::regclass, 'conversations'::regclass))`).Scan(&waiting); err != nil {
					return err
				}

				if !waiting {
					return errors.New("no session waits for a lock")
				}

				return nil
			})

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()

			if _, err := previous.Exec(ctx, `
				WITH lane AS (INSERT INTO conversations (lane, class, ready_at) VALUES ('one', 0, 1))
				INSERT INTO events (seq, id, kind, type, state, class, lane, phone_number_id, received_at)
				VALUES (nextval('events_seq'), gen_random_uuid(), 'message', 'text', 'pending', 0, 'one', '1065', 1)`); err != nil {
				t.Fatalf("a receiver of the previous release cannot store an event while the migration waits for the dump: %v", err)
			}

			if _, err := dump.Exec(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}

			eventually(t, "the store is opened after the dump", ping)
		})
	}
}

// connectTo opens a session of the database, and closes it when the test ends.
func connectTo(t *testing.T, access Access) *pgx.Conn {
	t.Helper()

	c, err := pgx.Connect(t.Context(), access.URL)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})

	return c
}

// Every statement of a migration that can wait for a lock which stops others has a limit for it. Those on indexes that are
// built or dropped concurrently stop none, and have to wait for the end of older transactions.
func TestMigrationsLimitTheirWaitsForLocks(t *testing.T) {
	const limit = "SET LOCAL lock_timeout = '2s';"

	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}

	comments := regexp.MustCompile(`(?m)^\s*--.*\n`)
	limited := regexp.MustCompile(`(?s)-- \+goose StatementBegin\nDO \$\$\nBEGIN\n    ` + limit + `\n.*?\nEND\n\$\$;\n-- \+goose StatementEnd\n`)
	concurrent := regexp.MustCompile(`^(CREATE INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY|ALTER INDEX \w+ RENAME TO) `)

	for _, file := range files {
		content, err := migrations.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		_, up, _ := strings.Cut(string(content), "-- +goose Up\n")

		if !strings.Contains(string(content), "-- +goose NO TRANSACTION\n") {
			if statements := comments.ReplaceAllString(up, ""); !strings.HasPrefix(statements, limit) {
				t.Errorf("%s does not begin with %s", file, limit)
			}

			continue
		}

		for statement := range strings.SplitSeq(comments.ReplaceAllString(limited.ReplaceAllString(up, ""), ""), ";") {
			if statement = strings.TrimSpace(statement); statement != "" && !concurrent.MatchString(statement) {
				t.Errorf("%s: this statement needs a DO block that begins with %s\n%s", file, limit, statement)
			}
		}
	}
}
