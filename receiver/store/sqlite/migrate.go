// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
)

//go:embed migrations/*.sql
var migrations embed.FS

// oldestReader is the oldest version of the schema whose programs can work on a store of the newest version. Raise it to the
// version of each new migration after which the previous program would fail, lose or misread something.
const oldestReader = 13

// migrate migrates the schema to the version of this program. It rejects a schema that this program cannot work on.
func migrate(ctx context.Context, dsn string, progress func(store.Migration)) error {
	return withMigrations(dsn, func(db *sql.DB, provider *goose.Provider) error {
		return schema.Migrate(ctx, db, provider, oldestReader, progress)
	})
}

func withMigrations(dsn string, run func(*sql.DB, *goose.Provider) error) (err error) {
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

	return run(db, provider)
}
