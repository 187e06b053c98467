// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/storetest"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

// server is shared by all tests.
var server *pgtest.Server

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Suite{M: m, Server: &server}) }

// place is where a store is: in a file, or in a database.
type place struct{ file, url string }

func newFile(folder string) place { return place{file: filepath.Join(folder, "inbox.db")} }

func newDatabase() (place, error) {
	user, err := server.NewUser()
	return place{url: user.URL}, err
}

func (p place) access() postgres.Access { return postgres.Access{URL: p.url} }

func (p place) open(ctx context.Context) (store.Store, error) {
	if p.url == "" {
		return sqlite.Open(ctx, p.file, sqlite.Options{})
	}

	return postgres.Open(p.access, postgres.Options{}), nil
}

type (
	source interface {
		transfer.Source
		Close() error
	}
	target interface {
		transfer.Target
		Close() error
	}
)

func (p place) source(ctx context.Context, now time.Time) (source, error) {
	if p.url == "" {
		return sqlite.OpenSource(ctx, p.file)
	}

	return postgres.OpenSource(ctx, p.access(), postgres.TransferOptions{Clock: clockwork.NewFakeClockAt(now)})
}

func (p place) target(ctx context.Context, now time.Time) (target, error) {
	if p.url == "" {
		return sqlite.OpenTarget(ctx, p.file)
	}

	return postgres.OpenTarget(ctx, p.access(), postgres.TransferOptions{Clock: clockwork.NewFakeClockAt(now)})
}

// ended waits until the sessions of a store that was closed have ended.
func (p place) ended(ctx context.Context) error {
	if p.url == "" {
		return nil
	}

	return pgtest.WaitForEndOfSessions(ctx, p.url, "%")
}

func move(ctx context.Context, from, to place, now time.Time) (moved []transfer.Moved, err error) {
	s, err := from.source(ctx, now)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	t, err := to.target(ctx, now)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()

	return transfer.Run(ctx, s, t, clockwork.NewFakeClockAt(now), func(transfer.Moved) {})
}

// TestModel moves stores back and forth amid random operations. What the model knows must be found in each engine.
func TestModel(t *testing.T) {
	// Each move migrates a new store, so the usual number of runs would take minutes.
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("10"); err != nil {
			t.Fatal(err)
		}
	}

	for name, first := range map[string]func(folder string) (place, error){
		"embedded first":   func(folder string) (place, error) { return newFile(folder), nil },
		"PostgreSQL first": func(string) (place, error) { return newDatabase() },
	} {
		t.Run(name, func(t *testing.T) {
			places := map[string]place{}
			moves := 0

			storetest.RunModel(t, storetest.Factory{
				Exclusive: name == "embedded first",
				Open: func(folder string) (_ store.Store, err error) {
					if _, ok := places[folder]; !ok {
						if places[folder], err = first(folder); err != nil {
							return nil, err
						}
					}

					return places[folder].open(t.Context())
				},
				Move: func(folder string, now time.Time) (exclusive bool, err error) {
					moves++

					next := newFile(filepath.Join(folder, strconv.Itoa(moves)))

					if exclusive = places[folder].url != ""; exclusive {
						err = os.Mkdir(filepath.Dir(next.file), 0o700)
					} else {
						next, err = newDatabase()
					}

					if err != nil {
						return false, err
					}

					if err := places[folder].ended(t.Context()); err != nil {
						return false, err
					}

					if _, err := move(t.Context(), places[folder], next, now); err != nil {
						return false, err
					}

					places[folder] = next

					return exclusive, nil
				},
			})

			if moves == 0 {
				t.Error("nothing was moved")
			}
		})
	}
}

// TestProblemsAreNotMoved moves a store with a pause and with a problem that its receivers shared, which only they would end.
func TestProblemsAreNotMoved(t *testing.T) {
	to := newFile(t.TempDir())

	from, err := newDatabase()
	if err != nil {
		t.Fatal(err)
	}

	s, err := from.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	for _, scope := range []string{"number", store.ProblemPrefix + "number"} {
		if err := s.SetPause(t.Context(), store.Pause{Scope: scope, Until: now.Add(time.Hour)}, now); err != nil {
			t.Error(err)
		}
	}

	closeStore(t, from, s)

	if _, err := move(t.Context(), from, to, now); err != nil {
		t.Fatal(err)
	}

	s, err = to.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if _, pauses, err := s.Schedule(t.Context(), now); err != nil || len(pauses) != 1 || pauses[0].Scope != "number" {
		t.Errorf("the moved store has %v, %v, want the pause", pauses, err)
	}

	closeStore(t, to, s)
}
