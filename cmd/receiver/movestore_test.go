// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
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
