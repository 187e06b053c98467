// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
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
