// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxTries bounds how often a transaction is run that loses against others.
const maxTries = 10

// slot is the row of counts that a transaction writes.
const slot = "slot = pg_backend_pid() % 64"

// tx is a transaction. Statements are queued and sent together, since each time they are sent costs a round trip.
type tx struct {
	conn   *pgx.Conn
	begin  func(*tx) // queues the begin of the transaction
	queued statements
	fault  error // of a statement that could not be queued
	sent   bool  // something was, so that there is a transaction to end
	tally  store.Tally
}

// write runs a function in a transaction and returns once it is durable; the function may run again, in another
// transaction, when others were in the way. A call that has begun goes on though ctx is cancelled, since its outcome would
// then be unknown to a caller who, for one, would never work the lanes it had leased.
func (s *Store) write(ctx context.Context, run func(context.Context, *tx) error) error {
	for try := 1; ; try++ {
		err := s.once(ctx, run, func(t *tx) {
			// A server that is set up not to wait for the disk is asked to. What else it is set up to wait for stands.
			t.exec("BEGIN ISOLATION LEVEL READ COMMITTED")
			t.exec(bounds + `, set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)`)
		})
		if !conflicts(err) || try == maxTries {
			return err
		}

		pause := s.clock.NewTimer(rand.N(time.Duration(try) * 2 * time.Millisecond)) //nolint:gosec // jitter is no secret
		select {
		case <-pause.Chan():
		case <-ctx.Done():
			pause.Stop()
			return conceal(ctx, ctx.Err())
		}
	}
}

// read runs a function in a transaction that sees one state of the store.
func (s *Store) read(ctx context.Context, run func(context.Context, *tx) error) error {
	return s.once(ctx, run, func(t *tx) {
		t.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
		t.exec(bounds)
	})
}

// idleTimeout is how long a transaction may wait for its client, who computes little between statements: one that is
// frozen holds up all who need what it has locked.
const idleTimeout = 2 * time.Second

// bounds keeps a transaction from staying, and from holding locks, when its client is gone. What it does is small: to
// start workers for it, or a compiler, as the database does for tables that it knows too little of, takes far longer. And
// each row is found by a key: to join with all of a table that seems small yet would.
var bounds = fmt.Sprintf(`SELECT set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
	set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
	set_config('statement_timeout', '%[1]d', true), set_config('lock_timeout', '%[1]d', true),
	set_config('idle_in_transaction_session_timeout', '%[2]d', true)`, callTimeout.Milliseconds(), idleTimeout.Milliseconds())

func (s *Store) once(ctx context.Context, run func(context.Context, *tx) error, begin func(*tx)) error {
	if err := ctx.Err(); err != nil {
		return err
	}

	waiting, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	c, err := s.acquire(waiting)
	if err != nil {
		return err
	}
	defer c.Release()

	deadline, _ := waiting.Deadline()

	going, stop := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer stop()

	t := &tx{conn: c.Conn(), begin: begin}
	t.begin(t)

	if err := run(going, t); err != nil {
		t.rollback(going)
		return err
	}

	if err := t.commit(going); err != nil {
		t.rollback(going)
		return err
	}

	return nil
}

// acquire returns a connection to where the database is now.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	for {
		d, err := s.current()
		if err != nil {
			return nil, err
		}

		c, err := d.acquire(ctx)
		if !errors.Is(err, errLeft) {
			return c, err
		}
	}
}

// exec queues a statement.
func (t *tx) exec(sql string, args ...any) { t.queue(sql, args, nil) }

// execCount queues a statement and sets n to the number of rows it changes.
func (t *tx) execCount(n *int64, sql string, args ...any) {
	t.queue(sql, args, func(rows pgx.Rows) error {
		rows.Close()
		*n = rows.CommandTag().RowsAffected()

		return rows.Err()
	})
}

// query queues a statement whose every row is given to each.
func (t *tx) query(sql string, each func(pgx.Rows) error, args ...any) {
	t.queue(sql, args, func(rows pgx.Rows) error {
		for rows.Next() {
			if err := each(rows); err != nil {
				return err
			}
		}

		return rows.Err()
	})
}

func (t *tx) queue(sql string, args []any, result func(pgx.Rows) error) {
	t.fault = cmp.Or(t.fault, t.queued.queue(sql, args, result))
}

// flush sends what is queued and hands out the results.
func (t *tx) flush(ctx context.Context) error {
	if t.fault != nil {
		return t.fault
	}

	queued := t.queued
	t.queued = statements{}
	t.sent = true

	return conceal(ctx, queued.send(ctx, t.conn))
}

// again queues the end of the transaction, which has written nothing that counts, and the begin of another.
func (t *tx) again() {
	t.exec("ROLLBACK")
	t.begin(t)
}

func (t *tx) commit(ctx context.Context) error {
	t.applyTally() // last, so that no transaction waits for the row longer than the commit takes
	t.queue("COMMIT", nil, func(rows pgx.Rows) error {
		rows.Close()

		if rows.Err() == nil && rows.CommandTag().String() != "COMMIT" { // a failed transaction is rolled back by it, without an error
			return &fault{text: "the database did not commit"}
		}

		return rows.Err()
	})

	return t.flush(ctx)
}

// rollback ends the transaction. Where that fails the connection is closed, as its release finds it in a transaction.
func (t *tx) rollback(ctx context.Context) {
	if t.sent && !t.conn.IsClosed() {
		_, _ = t.conn.Exec(ctx, "ROLLBACK") // the failure that led here is the one to report
	}
}

// applyTally queues the addition of the transaction's tally to the counts.
func (t *tx) applyTally() {
	if t.tally.IsZero() {
		return
	}

	t.exec(`
		UPDATE counts SET pending = pending + $1, pending_statuses = pending_statuses + $2,
			pending_notices = pending_notices + $3, dead = dead + $4, quarantined = quarantined + $5
		WHERE `+slot,
		t.tally.Pending, t.tally.PendingStatuses, t.tally.PendingNotices, t.tally.DeadLetters, t.tally.Quarantined)
}

// maxText bounds a text in bytes, as the entries of an index are bounded. What Meta sends is far shorter.
const maxText = 512

// text returns what PostgreSQL can keep of a string: UTF-8 without the character 0. One delivery that holds another
// must not be refused again and again. Strings that differ still do.
func text(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > maxText {
		sum := sha256.Sum256([]byte(s))
		end := "…" + hex.EncodeToString(sum[:16])
		s = strings.ToValidUTF8(s[:maxText-len(end)], "") + end
	}

	return s
}

// millis is how a time is kept.
func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}

	return new(t.UnixMilli())
}

// moment is the inverse of millis.
func moment(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}

	return time.UnixMilli(*ms).UTC()
}
