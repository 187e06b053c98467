// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestDatabaseOutage checks that a receiver without a database runs, is not ready and answers deliveries with 503. It
// recovers when the database does.
func TestDatabaseOutage(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{})

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	h := newHarness(t, func(c *config.Config) { c.Store = config.Store{PostgreSQL: &config.PostgreSQLStore{}} })
	log := &logBuffer{}
	h.log = log
	h.start()

	message := textDelivery("573001234567", standin.Wamid("1"), "hello")
	h.deliver(http.StatusServiceUnavailable, message)

	if code, body := h.adminPage("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, config.RoleDatabaseURL) {
		t.Errorf("GET /readyz = %d %q, want 503 that names the role", code, body)
	}

	h.writeSecret(config.RoleDatabaseURL, "0", user.URL)
	h.waitReady()
	h.deliver(http.StatusOK, message)
	h.waitSent(1)

	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}

	h.deliver(http.StatusServiceUnavailable, textDelivery("573001234567", standin.Wamid("2"), "are you there?"))

	if err := server.Run(t.Context()); err != nil {
		t.Fatal(err)
	}

	h.waitReady()
	h.deliver(http.StatusOK, message)
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("2"), "are you there?"))
	h.waitSent(2)

	for _, secret := range []string{user.Name, user.Password} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log contains %q", secret)
		}
	}
}

// TestUnconfirmedSendBeforeADatabaseOutage loses the response to a send, and starts the receiver without its database. Meta's
// status is refused until the database is back, so it is awaited from then on: the message is not sent again.
func TestUnconfirmedSendBeforeADatabaseOutage(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{})

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Store = config.Store{PostgreSQL: &config.PostgreSQLStore{}}
		c.Processing.AmbiguousWindow = time.Hour
	})
	h.writeSecret(config.RoleDatabaseURL, "0", user.URL)
	h.Graph.Faults.Add(standin.Fault{
		PathPrefix: "/" + number + "/messages",
		Cut:        standin.CutAfter,
		Times:      1,
	})
	h.start()
	h.waitReady()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitFor("the lost response", func() bool { return len(h.record("wamid.1").Failures) == 1 })

	sent := h.waitSent(1)[0]
	h.stop()

	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}

	h.start()
	h.clock.Advance(2 * time.Hour)

	status := standin.StatusDelivery(number, sent.ID, "delivered", ana, sent.Callback, time.Now())
	h.deliver(http.StatusServiceUnavailable, status)

	if err := server.Run(t.Context()); err != nil {
		t.Fatal(err)
	}

	h.waitReady()
	h.waitFor("the message to wait for the status", h.nothingDue)
	h.deliver(http.StatusOK, status)
	h.waitIdle()
	h.waitSent(1)

	if got := h.record("wamid.1").Event.State; got != store.Done {
		t.Errorf("the message is %s, want done", got)
	}
}
