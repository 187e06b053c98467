// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the advisory lock of a migration.
const migrationLock = 0x776177_696e626f78

// lockPoll is the interval at which a receiver retries to take the lock.
const lockPoll = 50 * time.Millisecond

// migrate migrates the schema to the version of this program, one receiver at a time. It rejects a schema of a newer
// version.
//
// A transaction of its own holds the lock, beside those of the migrations: behind PgBouncer a lock held by a session
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
		// Waiting inside PostgreSQL would occupy a connection that the holder of the lock may need in a small pool.
		select {
		case <-retry.Chan():
		case <-ctx.Done():
			return conceal(ctx, ctx.Err())
		}
	}
}

// migrateOn migrates while a transaction on c holds the lock. It returns false if another receiver holds it.
func (d *database) migrateOn(ctx context.Context, c *pgxpool.Conn) (locked bool, err error) {
	t, err := c.Begin(ctx)
	if err != nil {
		return false, conceal(ctx, err)
	}
	defer func() {
		if end := t.Rollback(context.WithoutCancel(ctx)); end != nil && err == nil {
			err = conceal(ctx, end)
		}
	}()

	if _, err := t.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return false, conceal(ctx, err)
	}

	if err := t.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1::bigint)", int64(migrationLock)).Scan(&locked); err != nil || !locked {
		return false, conceal(ctx, err)
	}

	return true, d.up(ctx)
}

func (d *database) up(ctx context.Context) error {
	return d.withMigrations(ctx, func(provider *goose.Provider) error {
		current, target, err := provider.GetVersions(ctx)
		if err != nil {
			return conceal(ctx, err)
		}

		if current > target {
			return fmt.Errorf("the schema in the database has version %d, this program supports %d: run the newer version again, or restore a backup of the older store", current, target)
		}

		_, err = provider.Up(ctx)

		return conceal(ctx, err)
	})
}

func (d *database) withMigrations(ctx context.Context, run func(*goose.Provider) error) (err error) {
	db := stdlib.OpenDBFromPool(d.pool)
	defer func() { err = errors.Join(err, conceal(ctx, db.Close())) }()

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

	return run(provider)
}
