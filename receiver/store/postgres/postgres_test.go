// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/storetest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

// server is shared by all tests that do not stop their server.
var server *pgtest.Server

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Suite{M: m, Server: &server}) }

func TestConformance(t *testing.T) {
	places := map[string]string{} // each has its own user, and so its own schema
	storetest.Run(t, storetest.Factory{Open: func(place string) (store.Store, error) {
		if places[place] == "" {
			user, err := server.NewUser()
			if err != nil {
				return nil, err
			}

			places[place] = user.URL
		}

		access := Access{URL: places[place]}

		return Open(func() Access { return access }, testOptions(Options{})), nil
	}})
}

// newAccess returns the access to an empty schema.
func newAccess(tb testing.TB) Access {
	tb.Helper()

	user, err := server.NewUser()
	if err != nil {
		tb.Fatal(err)
	}

	return Access{URL: user.URL}
}

// testOptions returns options with timeouts that even a slow machine does not reach.
func testOptions(options Options) Options {
	options.Clock = cmp.Or[clockwork.Clock](options.Clock, clockwork.NewRealClock())
	options.timeouts = cmp.Or(options.timeouts, timeouts{
		call:    5 * time.Minute,
		connect: time.Minute,
		idle:    5 * time.Minute,
	})

	return options
}

// openStore opens a store, and closes it when the test ends.
func openStore(tb testing.TB, access Access) *Store {
	tb.Helper()
	return openLive(tb, func() Access { return access }, Options{})
}

func openLive(tb testing.TB, access func() Access, options Options) *Store {
	tb.Helper()

	s := Open(access, testOptions(options))
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})

	return s
}
