// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// wantFault checks that an error contains a text, and none of the secrets.
func wantFault(t *testing.T, err error, want string, secrets ...string) {
	t.Helper()

	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want it to contain %q", err, want)
	}

	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, secret := range secrets {
			if strings.Contains(e.Error(), secret) {
				t.Errorf("error %q reveals %q", e, secret)
			}
		}
	}
}

// liveAccess is an access that a test can change while a store uses it.
type liveAccess struct{ now atomic.Pointer[Access] }

func live(access Access) *liveAccess {
	l := &liveAccess{}
	l.now.Store(&access)

	return l
}

func (l *liveAccess) set(access Access) { l.now.Store(&access) }
func (l *liveAccess) get() Access       { return *l.now.Load() }

func TestURLMissingAtFirst(t *testing.T) {
	access := live(Access{})
	s := openLive(t, access.get, Options{})
	wantFault(t, s.Ping(t.Context()), "the database URL is missing")

	if _, err := s.Ingest(t.Context(), []store.Event{message(1, 1)}); err == nil {
		t.Error("an event was stored without a database")
	}

	access.set(Access{URL: "postgres://tester:hunter2@[nohost"})
	wantFault(t, s.Ping(t.Context()), "the database URL is invalid", "hunter2", "tester", "nohost")
	access.set(newAccess(t))

	if fresh, err := s.Ingest(t.Context(), []store.Event{message(1, 1)}); err != nil || !fresh[0] {
		t.Errorf("Ingest returned %v, %v", fresh, err)
	}
}

func TestRotatedPassword(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := live(Access{URL: user.URL})

	s := openLive(t, access.get, Options{})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	old := s.database.pool

	rotated := server.SetPassword(t, user, "another")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("an open connection must stay usable: %v", err)
	}

	access.set(Access{URL: rotated.URL})

	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("the new password is not in use: %v", err)
	}

	s.closing.Wait()

	if n := old.Stat().TotalConns(); n != 0 {
		t.Errorf("%d connections with the old password remain", n)
	}

	access.set(Access{URL: user.URL})

	err = s.Ping(t.Context())
	wantFault(t, err, "refuses the user or the password", user.Name, user.Password, "127.0.0.1")
	access.set(Access{URL: rotated.URL})

	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("back to the new password: %v", err)
	}
}

func TestFaultsExplainAndRevealNoSecret(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	secrets := []string{user.Name, user.Password, "127.0.0.1", "elsewhere"}

	change := func(change func(*url.URL)) Access {
		u, err := url.Parse(user.URL)
		if err != nil {
			t.Fatal(err)
		}

		change(u)

		return Access{URL: u.String()}
	}
	for _, c := range []struct {
		name   string
		access Access
		want   string
	}{
		{"no such database", change(func(u *url.URL) { u.Path = "/elsewhere" }), "the database that its URL names does not exist"},
		{"wrong password", change(func(u *url.URL) { u.User = url.UserPassword(user.Name, "elsewhere") }), "refuses the user or the password"},
		{"no server", change(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "the database cannot be reached"},
		{"no such host", change(func(u *url.URL) { u.Host = "elsewhere.invalid" }), "the database cannot be reached"},
		{"no TLS", change(func(u *url.URL) { u.RawQuery = "sslmode=require" }), "the database offers no TLS"},
		{"no URL", Access{URL: "host=elsewhere user=" + user.Name}, "the database URL is invalid"},
		{"no sslmode", change(func(u *url.URL) { u.RawQuery = "sslmode=elsewhere" }), "the database URL is invalid"},
		{"no certificate", Access{URL: user.URL, CA: "elsewhere"}, "the secret database-ca contains no PEM certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t, c.access)
			wantFault(t, s.Ping(t.Context()), c.want, secrets...)
			_, err := s.Ingest(t.Context(), []store.Event{message(1, 1)})
			wantFault(t, err, c.want, secrets...)
			_, err = s.Stats(t.Context(), start)
			wantFault(t, err, c.want, secrets...)
		})
	}
}
