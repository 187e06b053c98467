// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxAttempts limits how often a transaction that conflicts with others is run.
const maxAttempts = 10

// countsRow selects the row of counts that a transaction writes.
const countsRow = "slot = pg_backend_pid() % 64"

// tx is a transaction. Statements are queued and sent together, since sending costs a round trip.
type tx struct {
	conn   *pgx.Conn
	queued statements
	known  *prepared // statements prepared on the connection; nil to parse each anew
	sent   bool      // a statement was sent, so there is a transaction to end
	wrote  bool      // the function changes rows
	tally  store.Tally
}

// write runs a function in a transaction and returns once it is durable. After a conflict it runs the function again,
// in another transaction.
//
// A call that has started continues after ctx is canceled. Otherwise its outcome would be unknown, and its caller could hold
// leases without processing the lanes.
func (s *Store) write(ctx context.Context, run func(context.Context, *tx) error) error {
	// Enable synchronous commit if the server disables it. A stronger setting of the server stays.
	const durable = `, set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)`

	return s.runPrepared(ctx, run, "BEGIN ISOLATION LEVEL READ COMMITTED", durable)
}

// readPrepared runs a function in a transaction that only reads, with prepared statements. Each statement sees a snapshot of
// its own.
func (s *Store) readPrepared(ctx context.Context, run func(context.Context, *tx) error) error {
	return s.runPrepared(ctx, run, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY", "")
}

// runPrepared runs a function in a transaction with prepared statements, and again after a conflict.
func (s *Store) runPrepared(ctx context.Context, run func(context.Context, *tx) error, begin, settings string) error {
	for attempt := 1; ; attempt++ {
		err := s.runOnce(ctx, run, func(t *tx, d *database) {
			limits := s.limits
			if !d.unprepared.Load() {
				t.known = preparedOn(t.conn)
				limits += genericPlans
			}

			t.exec(begin)
			t.exec(limits + settings)
		})
		if !isConflict(err) && !notPrepared(err) || attempt == maxAttempts {
			return err
		}

		pause := s.clock.NewTimer(rand.N(time.Duration(attempt) * 2 * time.Millisecond)) //nolint:gosec // jitter is not a secret
		select {
		case <-pause.Chan():
		case <-ctx.Done():
			pause.Stop()
			return sanitizeError(ctx, ctx.Err())
		}
	}
}

// read runs a function in a transaction that sees one snapshot of the store.
func (s *Store) read(ctx context.Context, run func(context.Context, *tx) error) error {
	return s.runOnce(ctx, run, func(t *tx, _ *database) {
		t.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
		t.exec(s.limits)
	})
}

// runOnce runs a function in one transaction.
func (s *Store) runOnce(ctx context.Context, run func(context.Context, *tx) error, begin func(*tx, *database)) error {
	if err := ctx.Err(); err != nil {
		return err
	}

	waiting, cancel := context.WithTimeout(ctx, s.options.timeouts.call)
	defer cancel()

	d, c, err := s.acquire(waiting)
	if err != nil {
		if d != nil {
			d.evidence.record(s.clock.Now(), false, err)
		}

		return err
	}
	defer c.Release()

	deadline, _ := waiting.Deadline()

	going, stop := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer stop()

	t := &tx{conn: c.Conn()}
	begin(t, d)

	err = s.guard(func() error {
		if err := run(going, t); err != nil {
			return err
		}

		return t.commit(going)
	})
	if err != nil {
		t.rollback(going)
	}

	if t.known != nil && notPrepared(err) {
		d.unprepared.Store(true)
	}

	d.evidence.record(s.clock.Now(), t.wrote, err)
	d.leaveReadOnly(err)

	return err
}

// guard returns a panic of a function as errPanicked, since a panic of one call would end the process with the work of
// all others. The log has the stack, but not the value of the panic, which may contain data of an event.
func (s *Store) guard(run func() error) (err error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}

		reason := fmt.Sprintf("%T", value)
		if known, ok := value.(runtime.Error); ok {
			reason = known.Error()
		}

		s.options.Log.Error("a transaction of the store panicked", "reason", reason, "stack", string(debug.Stack()))

		err = errPanicked
	}()

	return run()
}

// acquire returns the current database and a connection to it.
func (s *Store) acquire(ctx context.Context) (*database, *pgxpool.Conn, error) {
	for {
		d, err := s.current()
		if err != nil {
			return nil, nil, err
		}

		c, err := d.acquire(ctx)
		if !errors.Is(err, errDatabaseChanged) {
			return d, c, err
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

// query queues a statement and calls each for every row of its result.
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
	t.queued.queue(sql, args, result)
}

// flush sends the queued statements and calls the handlers of their results.
func (t *tx) flush(ctx context.Context) error {
	queued := t.queued
	if queued.fault != nil {
		return queued.fault
	}

	t.queued = statements{}
	t.sent = true

	return sanitizeError(ctx, queued.send(ctx, t.conn, t.known))
}

func (t *tx) commit(ctx context.Context) error {
	t.applyTally() // last, so that no transaction waits for the row longer than the commit takes
	t.queue("COMMIT", nil, func(rows pgx.Rows) error {
		rows.Close()

		if rows.Err() == nil && rows.CommandTag().String() != "COMMIT" { // COMMIT of a failed transaction rolls back without an error
			return &fault{text: "the database rolled back instead of committing"}
		}

		return rows.Err()
	})

	return t.flush(ctx)
}

// rollback ends the transaction. If it fails, releasing the connection closes it, as it is still in a transaction.
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
		WHERE `+countsRow,
		t.tally.Pending, t.tally.PendingStatuses, t.tally.PendingNotices, t.tally.DeadLetters, t.tally.Quarantined)
}

// maxTextBytes limits a text, as entries of an index are limited. Meta's texts are far shorter.
const maxTextBytes = 512

// sanitize returns a string as PostgreSQL can store it: valid UTF-8 without NUL, within the limit. Otherwise a delivery
// with another string would be refused and redelivered forever. Different strings stay different.
func sanitize(s string) string {
	s = valid(s)
	if len(s) > maxTextBytes {
		sum := sha256.Sum256([]byte(s))
		end := "…" + hex.EncodeToString(sum[:16])
		s = strings.ToValidUTF8(s[:maxTextBytes-len(end)], "") + end
	}

	return s
}

// unlimited is a text in a column without an index, which is stored at its full length.
type unlimited string

// valid returns a string as valid UTF-8 without NUL.
func valid(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// millis returns a time as it is stored.
func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}

	return new(t.UnixMilli())
}

// fromMillis is the inverse of millis.
func fromMillis(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}

	return time.UnixMilli(*ms).UTC()
}
