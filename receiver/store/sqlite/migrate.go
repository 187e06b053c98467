// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate migrates the schema to the version of this program. It rejects a schema of a newer version.
func migrate(ctx context.Context, dsn string) error {
	return withMigrations(dsn, func(provider *goose.Provider) error {
		current, target, err := provider.GetVersions(ctx)
		if err != nil {
			return err
		}

		if current > target {
			return fmt.Errorf("its schema has version %d, this program supports %d: run the newer version again, or restore a backup of the older store", current, target)
		}

		_, err = provider.Up(ctx)

		return err
	})
}

func withMigrations(dsn string, run func(*goose.Provider) error) (err error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return err
	}

	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()

	db.SetMaxOpenConns(1)

	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}

	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}

	return run(provider)
}
