// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql/driver"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Every statement of the store's calls, save Totals, must find its rows by a key or an index: one that scans a table
// costs more the longer the store is in use.
func TestNothingScansTheHistory(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))
	ctx, later := t.Context(), start.Add(time.Hour)
	status := message(4, 1)
	status.Kind, status.State, status.Lane = store.KindStatus, store.Done, ""
	status.Status = &store.StatusUpdate{MessageID: "m", At: start, ReplyTo: message(1, 1).ID}
	ingest(t, s, 1, 2, 3)
	leases, err := s.Claim(ctx, start, later, 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim returned %v, %v", leases, err)
	}
	failure := &store.Failure{At: start, Spent: true}
	calls := []func() error{
		func() error {
			_, err := s.Advance(ctx, leases[0].LeaseRef, message(1, 1).ID, store.Step{
				Now: start, Answer: []store.Reply{{Type: "text"}}, Sending: new(0),
			})
			return err
		},
		func() error { _, err := s.Ingest(ctx, []store.Event{status}); return err },
		func() error { _, err := s.Renew(ctx, []store.LeaseRef{leases[0].LeaseRef}, later); return err },
		func() error {
			_, err := s.Advance(ctx, leases[0].LeaseRef, message(1, 1).ID, store.Step{
				Now: start, Outcome: &store.Outcome{State: store.Dead, Failure: failure},
			})
			return err
		},
		func() error {
			_, err := s.Advance(ctx, leases[0].LeaseRef, message(2, 1).ID, store.Step{
				Now: start, Outcome: &store.Outcome{State: store.Done},
			})
			return err
		},
		func() error {
			_, err := s.Advance(ctx, leases[0].LeaseRef, message(3, 1).ID, store.Step{
				Now: start, Outcome: &store.Outcome{State: store.Pending, RetryAt: start, Failure: failure},
			})
			return err
		},
		func() error { return s.Replay(ctx, message(1, 1).ID, start) },
		func() error { _, err := s.Purge(ctx, later, start, 10); return err },
		func() error { _, err := s.Purge(ctx, later, later, 10); return err },
		func() error { _, err := s.DeadLetters(ctx, 0, 10); return err },
		func() error { _, err := s.Stats(ctx, start); return err },
	}
	for i, call := range calls {
		if err := call(); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}

	check := func(c *conn) error {
		for _, sql := range slices.Collect(maps.Keys(c.stmts)) {
			args := make([]driver.Value, strings.Count(sql, "?"))
			err := c.query(ctx, "EXPLAIN QUERY PLAN "+sql, func(r row) error {
				step := r.text(3)
				scans := strings.HasPrefix(step, "SCAN") || strings.Contains(step, "INTEGER PRIMARY KEY (rowid>")
				if scans && step != "SCAN counts" && step != "SCAN probe" { // tables of one row
					t.Errorf("%s\n%s", step, sql)
				}
				return nil
			}, args...)
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.writer.do(ctx, func(t *tx) error { return check(t.conn) }); err != nil {
		t.Error(err)
	}
	for range readers {
		c := <-s.readers
		if err := check(c); err != nil {
			t.Error(err)
		}
		s.readers <- c
	}
}
