// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// A pooler that does not know prepared statements leads to a session without them, or to a session that has them already. The
// store must repeat the transaction without them, once.
func TestPreparedStatementsThatTheSessionDoesNotHave(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(context.Context, *pgx.Conn) error
	}{
		{"missing", func(ctx context.Context, c *pgx.Conn) error {
			_, err := c.Exec(ctx, "DEALLOCATE ALL")
			return err
		}},
		{"existing", func(_ context.Context, c *pgx.Conn) error {
			clear(preparedOn(c).statements)
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			access := newAccess(t)
			s := openLive(t, func() Access { return access }, Options{MaxConnections: 2})

			var parsed, begun atomic.Int64

			s.database = watched(t, access, func(trip []sentStatement) {
				for _, one := range trip {
					if strings.HasPrefix(one.sql, "BEGIN ISOLATION LEVEL READ COMMITTED") {
						begun.Add(1)
					}

					if one.bound.PreparedStatement == "" {
						parsed.Add(1)
					}
				}
			})

			store := func(n int64) {
				t.Helper()

				fresh, err := s.Ingest(t.Context(), []store.Event{message(n, 10)})
				if err != nil || len(fresh) != 1 || !fresh[0] {
					t.Fatalf("Ingest returned %v, %v", fresh, err)
				}
			}

			store(1)
			parsed.Store(0)
			begun.Store(0)
			store(2)

			if n, all := parsed.Load(), begun.Load(); n != 0 || all != 1 {
				t.Errorf("%d statements of %d transactions were parsed anew, want none of 1", n, all)
			}

			for range 2 { // all connections
				held := s.database.pool.AcquireAllIdle(t.Context())
				for _, one := range held {
					if err := c.do(t.Context(), one.Conn()); err != nil {
						t.Fatal(err)
					}

					one.Release()
				}
			}

			begun.Store(0)
			store(3)

			if n := begun.Load(); n != 2 {
				t.Errorf("the delivery took %d transactions, want 2", n)
			}

			if !s.database.unprepared.Load() {
				t.Error("statements are still prepared")
			}

			begun.Store(0)
			store(4)

			if n := begun.Load(); n != 1 {
				t.Errorf("the next delivery took %d transactions, want 1", n)
			}
		})
	}
}

// What is prepared on a connection must be known although the transaction failed.
func TestPreparedStatementsOfAFailedTransaction(t *testing.T) {
	access := newAccess(t)
	s := openLive(t, func() Access { return access }, Options{MaxConnections: 2})
	odd := &fault{text: "odd"}

	for range 2 {
		for _, sql := range []string{"SELECT 1", "SELECT 1 / 0"} {
			err := s.write(t.Context(), func(ctx context.Context, tx *tx) error {
				tx.query(sql, func(pgx.Rows) error { return odd })
				tx.query("SELECT 2", func(pgx.Rows) error { return nil })
				tx.query("SELECT 2", func(pgx.Rows) error { return nil })

				return tx.flush(ctx)
			})
			if err == nil || notPrepared(err) {
				t.Errorf("%s: write returned %v", sql, err)
			}
		}
	}

	two := 0

	err := s.write(t.Context(), func(_ context.Context, tx *tx) error {
		tx.query("SELECT 2", func(rows pgx.Rows) error { return rows.Scan(&two) })
		return nil
	})
	if err != nil || two != 2 {
		t.Errorf("got %d, %v", two, err)
	}

	if s.database.unprepared.Load() {
		t.Error("a failed transaction ended the use of prepared statements")
	}
}
