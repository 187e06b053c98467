// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

func TestMoveArguments(t *testing.T) {
	for name, c := range map[string]struct {
		move    move
		further int
		want    string
	}{
		"nothing":      {move{}, 0, "--from and --to are required"},
		"two files":    {move{from: "a.db", to: "b.db"}, 0, "one of --from and --to must be a file"},
		"two in one":   {move{from: inDatabase, to: inDatabase}, 0, "one of --from and --to must be a file"},
		"a URL":        {move{from: "a.db", to: "postgres://user:secret@host/db"}, 0, "a URL contains a password"},
		"further ones": {move{from: "a.db", to: inDatabase}, 1, "belongs to no flag"},
		"both":         {move{from: "a.db", to: inDatabase}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.move.check(c.further)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("check returned %v, want %q", err, c.want)
			}

			if err != nil && strings.Contains(err.Error(), "secret@") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// TestMoveStore moves an inbox to PostgreSQL and back to another file.
func TestMoveStore(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{})

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	folder := t.TempDir()
	urlFile := filepath.Join(folder, "url")
	first := filepath.Join(folder, "first.db")
	last := filepath.Join(folder, "last.db")

	if err := os.WriteFile(urlFile, []byte(user.URL+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	open := func(file string) func() (store.Store, error) {
		return func() (store.Store, error) { return sqlite.Open(t.Context(), file, sqlite.Options{}) }
	}

	within(t, open(first), func(inbox store.Store) {
		if _, err := inbox.Ingest(t.Context(), []store.Event{pending}); err != nil {
			t.Error(err)
		}
	})

	for _, places := range [][2]string{{first, inDatabase}, {inDatabase, last}} {
		var reported strings.Builder

		m := move{
			database:  database{urlFile: urlFile, clock: clockwork.NewRealClock()},
			from:      places[0],
			to:        places[1],
			reporting: &reported,
		}
		if err := m.run(t.Context()); err != nil {
			t.Fatal(err)
		}

		if !strings.Contains(reported.String(), "events: 1 rows") || strings.Contains(reported.String(), "Hello") {
			t.Errorf("reported %q", reported.String())
		}
	}

	within(t, open(last), func(inbox store.Store) {
		now := pending.ReceivedAt

		leases, err := inbox.Claim(t.Context(), store.Conversations, now, now.Add(time.Minute), 1)
		if err != nil || len(leases) != 1 || !bytes.Equal(leases[0].Work.Event.Payload, pending.Payload) {
			t.Errorf("Claim returned %v, %v", leases, err)
		}

		if fresh, err := inbox.Ingest(t.Context(), []store.Event{pending}); err != nil || fresh[0] {
			t.Errorf("a redelivery is new: %v, %v", fresh, err)
		}
	})
}

// failing is a target that fails after a part of its work.
type failing struct {
	target
	add, stores bool // fail at the first rows, and make them durable before the commit fails
}

var errConnection = errors.New("the connection was lost")

func (f *failing) Add(ctx context.Context, table *transfer.Table, rows [][]any) error {
	if f.add {
		return errConnection
	}

	return f.target.Add(ctx, table, rows)
}

func (f *failing) Commit(ctx context.Context, figures store.Tally, last int64) error {
	if f.stores {
		if err := f.target.Commit(ctx, figures, last); err != nil {
			return err
		}
	}

	return errConnection
}

// TestFailedMove does what the error of a move says: a second run completes it, or shows that the first one did.
func TestFailedMove(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{})

	for name, c := range map[string]struct {
		failing failing
		want    string
		again   error
	}{
		"at the rows":       {failing{add: true}, "the target is still empty", nil},
		"before the commit": {failing{}, "it is not known whether the move was completed", nil},
		"after the commit":  {failing{stores: true}, "it is not known whether the move was completed", transfer.ErrNotEmpty},
	} {
		for direction, toFile := range map[string]bool{"to PostgreSQL": false, "to a file": true} {
			t.Run(name+", "+direction, func(t *testing.T) {
				user, err := server.NewUser()
				if err != nil {
					t.Fatal(err)
				}

				t.Setenv(urlVariable, user.URL)

				file := filepath.Join(t.TempDir(), "inbox.db")
				open := func() (store.Store, error) { return sqlite.Open(t.Context(), file, sqlite.Options{}) }
				m := move{
					database:  database{clock: clockwork.NewRealClock()},
					from:      file,
					to:        inDatabase,
					reporting: io.Discard,
				}

				if toFile {
					open = openDatabase(user.URL)
					m.from, m.to = m.to, m.from
				}

				within(t, open, func(inbox store.Store) {
					if _, err := inbox.Ingest(t.Context(), []store.Event{pending}); err != nil {
						t.Error(err)
					}
				})

				access := postgres.Access{URL: user.URL}

				from, err := m.source(t.Context(), access)
				if err != nil {
					t.Fatal(err)
				}

				to, err := m.target(t.Context(), access)
				if err != nil {
					t.Fatal(err)
				}

				c.failing.target = to

				err = m.move(t.Context(), from, &c.failing)
				if !errors.Is(err, errConnection) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("the move returned %v, want %q", err, c.want)
				}

				if err := errors.Join(from.Close(), to.Close()); err != nil {
					t.Fatal(err)
				}

				if err := m.run(t.Context()); !errors.Is(err, c.again) {
					t.Errorf("the second move returned %v, want %v", err, c.again)
				}
			})
		}
	}
}

// TestMoveEndsWithItsCommit checks that nothing that fails after the commit makes a Job begin the move again.
func TestMoveEndsWithItsCommit(t *testing.T) {
	var reported strings.Builder

	m := move{reporting: &reported}

	if err := m.ended(nil, errConnection); err != nil || !strings.Contains(reported.String(), errConnection.Error()) {
		t.Errorf("a completed move returned %v, and reported %q", err, reported.String())
	}

	failed := errors.New("failed")
	if err := m.ended(failed, errConnection); !errors.Is(err, failed) || !errors.Is(err, errConnection) {
		t.Errorf("a move that failed returned %v", err)
	}
}

// TestMoveJobArguments parses the arguments of the Job in the documentation. TestMoveJob in test/docs checks the rest of it.
func TestMoveJobArguments(t *testing.T) {
	page, err := os.ReadFile("../../docs/resource.md")
	if err != nil {
		t.Fatal(err)
	}

	_, args, found := strings.Cut(string(page), "args: [move-store, ")
	args, _, closed := strings.Cut(args, "]")

	if !found || !closed {
		t.Fatal("docs/resource.md has no arguments of move-store")
	}

	folder := t.TempDir()
	t.Setenv(urlVariable, "")

	// The places are files of the test, so the move is only refused because there is no store.
	args = strings.NewReplacer("/store/", folder+"/", "/database/", folder+"/").Replace(args)

	if code := moveStore(strings.Split(args, ", ")); code != 1 {
		t.Errorf("move-store %s returned %d, want 1", args, code)
	}
}
