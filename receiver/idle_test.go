// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
)

// TestIdleReceiverMakesFewTransactions lets the time of a hundred polls pass on a fake clock, and asks for the readiness every
// second. PostgreSQL counts the transactions: apart from the polls, and from probes where no poll is recent, hardly any.
func TestIdleReceiverMakesFewTransactions(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{Settings: []string{"shared_preload_libraries=pg_stat_statements"}})

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	server.Exec(t, "CREATE EXTENSION pg_stat_statements", "GRANT pg_read_all_stats TO "+user.Name)

	h := newHarness(t, func(c *config.Config) {
		c.Store = config.Store{PostgreSQL: &config.PostgreSQLStore{}}
		c.Processing.Poll = 3 * time.Second
	})
	h.writeSecret(config.RoleDatabaseURL, "0", user.URL)

	if err := h.Folder.WriteConfig(h.Config); err != nil {
		t.Fatal(err)
	}

	clock := clockwork.NewFakeClock()

	idle, err := rig.StartLocal(t.Context(), h.Folder.ConfigFile(), "test", clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := idle.Stop(); err != nil {
			t.Error(err)
		}
	})

	database, err := pgx.Connect(t.Context(), user.URL)
	if err != nil {
		t.Fatal(err)
	}

	defer func() { _ = database.Close(context.Background()) }()

	// calls returns how often the receiver has run the statements that begin like a pattern.
	calls := func(pattern string) (n int) {
		t.Helper()

		err := database.QueryRow(t.Context(), `
			SELECT coalesce(sum(calls), 0)::int FROM public.pg_stat_statements
			WHERE userid = (SELECT oid FROM pg_roles WHERE rolname = $1) AND query LIKE $2`, user.Name, pattern).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}

		return n
	}

	if err := idle.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}

	const polls, probes = "WITH RECURSIVE k (class)%", "SELECT pg_is_in_recovery()%"

	began := clock.Now()
	others := -calls("COMMIT%") + calls(polls) + calls(probes)

	for until := calls(polls) + 100; calls(polls) < until; clock.Advance(time.Second) {
		if ready, reason, err := idle.Ready(t.Context()); !ready {
			t.Fatalf("the receiver is not ready: %s, %v", reason, err)
		}
	}

	others += calls("COMMIT%") - calls(polls) - calls(probes)
	seconds := int(clock.Since(began).Seconds())

	t.Logf("%d transactions besides polls and probes in %d s", others, seconds)

	if limit := 10 + seconds/60; others > limit {
		t.Errorf("in %d s, an idle receiver made %d transactions besides polls and probes, want at most %d", seconds, others, limit)
	}

	if limit := 1 + seconds/10; calls(probes) > limit {
		t.Errorf("in %d s, the readiness made %d probes, want at most %d", seconds, calls(probes), limit)
	}
}
