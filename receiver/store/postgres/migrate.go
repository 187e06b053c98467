// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
)

// Receivers of the previous release work while a migration runs, and PostgreSQL lets each of their statements wait behind one
// that waits for a table. So a migration waits at most 2 seconds for a lock, and is tried again after schemaBackoff: it begins
// with SET LOCAL lock_timeout = '2s', and so does a DO block around each such statement of a migration without a transaction.
// CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY have no limit: they stop none, and wait for older transactions.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the advisory lock of a migration.
const migrationLock = 0x776177_696e626f78

// oldestReader is the oldest version of the schema whose programs can work on a store of the newest version. Raise it to the
// version of each new migration after which the previous program would fail, lose or misread something: while a new release
// rolls out, its receivers and those of the previous one share the store.
const oldestReader = 6

// lockNotAvailable is the SQLSTATE of a statement that waited for a lock as long as lock_timeout allows.
const lockNotAvailable = "55P03"

// lockPoll is the interval at which a receiver retries to take the lock.
const lockPoll = 50 * time.Millisecond

// migrate migrates the schema to the version of this program, one receiver at a time. It rejects a schema that
// this program cannot work on.
//
// A separate transaction holds the lock, beside those of the migrations: behind PgBouncer a lock held by a session
// could be lost or never released.
func (d *database) migrate(ctx context.Context) error {
	retry := d.clock.NewTicker(lockPoll)
	defer retry.Stop()

	for {
		c, err := d.connect(ctx)
		if err != nil {
			return err
		}

		locked, err := d.migrateOn(ctx, c)
		c.Release()

		if err != nil || locked {
			return err
		}

		d.progress.Store(&store.Migration{}) // another receiver's
		// Waiting inside PostgreSQL would occupy a connection that the holder of the lock may need in a small pool.
		select {
		case <-retry.Chan():
		case <-ctx.Done():
			return sanitizeError(ctx, ctx.Err())
		}
	}
}

// migrateOn migrates while a transaction on c holds the lock. It returns false if another receiver holds it.
func (d *database) migrateOn(ctx context.Context, c *pgxpool.Conn) (locked bool, err error) {
	t, err := c.Begin(ctx)
	if err != nil {
		return false, sanitizeError(ctx, err)
	}
	defer func() {
		if end := t.Rollback(context.WithoutCancel(ctx)); end != nil && err == nil {
			err = sanitizeError(ctx, end)
		}
	}()

	if err := t.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1::bigint)", int64(migrationLock)).Scan(&locked); err != nil || !locked {
		return false, sanitizeError(ctx, err)
	}

	// The statement also ends the snapshot of the query before, for whose end CREATE INDEX CONCURRENTLY would wait.
	if _, err := t.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return false, sanitizeError(ctx, err)
	}

	return true, d.up(ctx)
}

func (d *database) up(ctx context.Context) error {
	return d.withMigrations(ctx, func(db *sql.DB, provider *goose.Provider) error {
		err := schema.Migrate(ctx, db, provider, oldestReader, func(m store.Migration) { d.progress.Store(&m) })
		if _, ok := errors.AsType[*schema.IncompatibleError](err); ok {
			return err // it contains only versions
		}

		err = sanitizeError(ctx, err)
		m := d.progress.Load()

		if f, ok := errors.AsType[*fault](err); ok && f.code == lockNotAvailable && m != nil {
			return &fault{
				text:  "the migration waits for a session that uses the tables, such as a dump, and is tried again",
				code:  f.code,
				cause: &store.MigratingError{Migration: *m},
			}
		}

		return err
	})
}

func (d *database) withMigrations(ctx context.Context, run func(*sql.DB, *goose.Provider) error) (err error) {
	db := stdlib.OpenDBFromPool(d.pool)
	defer func() { err = errors.Join(err, sanitizeError(ctx, db.Close())) }()

	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(0)

	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}

	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}

	return run(db, provider)
}
