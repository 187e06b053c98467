// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

func TestEndPendingArguments(t *testing.T) {
	for name, c := range map[string]struct {
		place   string
		further int
		want    string
	}{
		"nothing":      {"", 0, "--store is required"},
		"a URL":        {"postgres://user:secret@host/db", 0, "a URL contains a password"},
		"further ones": {"a.db", 1, "belongs to no flag"},
		"a file":       {"a.db", 0, ""},
		"a database":   {inDatabase, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := pendingEnd{place: c.place}

			err := e.check(c.further)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("check returned %v, want %q", err, c.want)
			}
		})
	}

	e := pendingEnd{place: filepath.Join(t.TempDir(), "none.db")}
	if err := e.run(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("run without a file returned %v", err)
	}
}

// TestEndPending ends what is pending in restored stores of both engines. A store that a receiver has open is refused.
func TestEndPending(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{})

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	t.Setenv(urlVariable, user.URL)

	file := filepath.Join(t.TempDir(), "inbox.db")

	for place, open := range map[string]func() (store.Store, error){
		file:       func() (store.Store, error) { return sqlite.Open(t.Context(), file, sqlite.Options{}) },
		inDatabase: openDatabase(user.URL),
	} {
		t.Run(filepath.Base(place), func(t *testing.T) {
			var reported strings.Builder

			e := pendingEnd{
				database:  database{clock: clockwork.NewRealClock()},
				place:     place,
				reporting: &reported,
			}

			within(t, open, func(inbox store.Store) {
				if _, err := inbox.Ingest(t.Context(), []store.Event{pending}); err != nil {
					t.Error(err)
				}

				if err := e.run(t.Context()); err == nil {
					t.Error("the store of a running receiver was changed")
				}
			})

			if err := e.run(t.Context()); err != nil {
				t.Fatal(err)
			}

			if got := reported.String(); !strings.HasPrefix(got, "1 pending messages are dead letters") {
				t.Errorf("reported %q", got)
			}

			within(t, open, func(inbox store.Store) {
				record, err := inbox.Get(t.Context(), pending.ID)
				if err != nil || record.Event.State != store.Dead {
					t.Errorf("the message is %+v, %v, want a dead letter", record, err)
				}
			})
		})
	}
}

// TestEndPendingJobArguments parses the arguments of the Jobs in the documentation. TestEndPendingJobs in test/docs checks the
// rest of them.
func TestEndPendingJobArguments(t *testing.T) {
	page, err := os.ReadFile("../../docs/volumes.md")
	if err != nil {
		t.Fatal(err)
	}

	folder := t.TempDir()
	t.Setenv(urlVariable, "")

	found := regexp.MustCompile(`args: \[end-pending, (.+)\]`).FindAllStringSubmatch(string(page), -1)
	if len(found) != 2 {
		t.Errorf("docs/volumes.md has %d Jobs, want one for each kind of store", len(found))
	}

	for _, match := range found {
		// The places are files of the test, so the command only fails because there is no store, and no URL.
		args := strings.NewReplacer("/store/", folder+"/", "/database/", folder+"/").Replace(match[1])

		if code := endPending(strings.Split(args, ", ")); code != 1 {
			t.Errorf("end-pending %s returned %d, want 1", args, code)
		}
	}
}

// pending is a message that was not answered yet.
var pending = store.Event{
	ID:         store.NewID(store.KindMessage, "a"),
	Kind:       store.KindMessage,
	State:      store.Pending,
	Lane:       "lane",
	Payload:    []byte(`{"text":"Hello"}`),
	ReceivedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
}

// within uses an open store.
func within(t *testing.T, open func() (store.Store, error), use func(store.Store)) {
	t.Helper()

	inbox, err := open()
	if err != nil {
		t.Fatal(err)
	}

	defer func() {
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	}()

	use(inbox)
}

func openDatabase(url string) func() (store.Store, error) {
	access := postgres.Access{URL: url}

	return func() (store.Store, error) {
		return postgres.Open(func() postgres.Access { return access }, postgres.Options{}), nil
	}
}
