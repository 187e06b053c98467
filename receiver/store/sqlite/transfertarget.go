// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
)

// movingSuffix follows the name of the database in the name of the file of an unfinished move.
const movingSuffix = ".moving"

// Target is a new store to which another one is moved. It implements [transfer.Target]. A file beside the store receives the
// rows, and takes its place when all of them are durable.
type Target struct {
	path      string
	lock      *os.File
	conn      *conn
	inserts   map[*transfer.Table]string
	committed bool
}

// loading are the settings of the connection that writes the file of a move. The file is synchronized when it is complete.
var loading = []string{
	"busy_timeout(5000)", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(OFF)", "cache_size(-65536)",
	"temp_store(MEMORY)",
}

// OpenTarget prepares a store in the file at path, whose folder must exist. An existing store must be empty. What an
// unfinished move has left is deleted. No receiver can open the store before Close.
func OpenTarget(ctx context.Context, path string) (_ *Target, err error) {
	t := &Target{inserts: map[*transfer.Table]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("prepare the store %s: %w", path, err), t.Close())
		}
	}()

	if t.path, err = filepath.Abs(path); err != nil {
		return nil, err
	}

	if t.lock, err = acquire(t.path + ".lock"); err != nil {
		return nil, fmt.Errorf("%w: %w", transfer.ErrInUse, err)
	}

	if err := requireEmpty(ctx, t.path); err != nil {
		return nil, err
	}

	moving := t.path + movingSuffix
	if err := removeDatabase(moving); err != nil {
		return nil, err
	}

	if err := create(moving); err != nil {
		return nil, err
	}

	if err := migrate(ctx, dsn(moving, loading), nil); err != nil {
		return nil, fmt.Errorf("create its schema: %w", err)
	}

	t.conn, err = connect(ctx, dsn(moving, loading))

	return t, err
}

// requireEmpty returns an error if there is a file at path, unless it is a store without events and conversations.
func requireEmpty(ctx context.Context, path string) (err error) {
	if exists, err := Exists(path); !exists || err != nil {
		return err
	}

	if err := withMigrations(dsn(path, reading), func(db *sql.DB, provider *goose.Provider) error {
		return schema.RequireNotNewer(ctx, db, provider)
	}); err != nil {
		return err
	}

	c, err := connect(ctx, dsn(path, reading))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	return c.query(ctx, "SELECT EXISTS (SELECT 1 FROM events) OR EXISTS (SELECT 1 FROM conversations)", func(r row) error {
		if r.int(0) != 0 {
			return transfer.ErrNotEmpty
		}

		return nil
	})
}

// Add implements transfer.Target.
func (t *Target) Add(ctx context.Context, table *transfer.Table, rows [][]any) (err error) {
	if _, err := t.conn.exec(ctx, "BEGIN"); err != nil {
		return err
	}

	for _, row := range rows {
		if err := t.insert(ctx, table, row); err != nil {
			return err
		}
	}

	_, err = t.conn.exec(ctx, "COMMIT")

	return err
}

func (t *Target) insert(ctx context.Context, table *transfer.Table, row []any) error {
	var values []driver.Value

	for i, c := range table.Columns {
		switch {
		case table.Name+"."+c.Name != "events.transcript":
			values = append(values, row[i])
		case row[i] != nil:
			if _, err := t.conn.exec(ctx, "INSERT INTO "+transcriptsTable+" (event, text) VALUES (?, ?)", row[0], row[i]); err != nil {
				return err
			}
		}
	}

	if t.inserts[table] == "" {
		t.inserts[table] = insertInto(table)
	}

	_, err := t.conn.exec(ctx, t.inserts[table], values...)

	return err
}

func insertInto(table *transfer.Table) string {
	var columns, values []string

	for _, name := range table.Names() {
		if table.Name+"."+name != "events.transcript" {
			columns = append(columns, name)
			values = append(values, cmp.Or(writtenAs[table.Name+"."+name], "?"))
		}
	}

	return "INSERT INTO " + table.Name + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")"
}

// Commit implements transfer.Target. SQLite continues after the last event by itself.
func (t *Target) Commit(ctx context.Context, figures store.Tally, _ int64) error {
	_, err := t.conn.exec(ctx, "UPDATE counts SET pending = ?, pending_statuses = ?, pending_notices = ?, dead = ?, quarantined = ?",
		figures.Pending, figures.PendingStatuses, figures.PendingNotices, figures.DeadLetters, figures.Quarantined)
	if err != nil {
		return err
	}

	err = t.conn.close()
	t.conn = nil

	if err != nil {
		return err
	}

	if size(t.path+movingSuffix+"-wal") > 0 {
		return fmt.Errorf("the log %s-wal was not copied into the file", t.path+movingSuffix)
	}

	if err := putInPlace(t.path+movingSuffix, t.path); err != nil {
		return err
	}

	t.committed = true

	return nil
}

// Close releases the store. Without a commit, it is as it was before.
func (t *Target) Close() error {
	var errs []error

	if t.conn != nil {
		errs = append(errs, t.conn.close())
	}

	if t.lock != nil {
		if !t.committed {
			errs = append(errs, removeDatabase(t.path+movingSuffix))
		}

		errs = append(errs, t.lock.Close())
	}

	return errors.Join(errs...)
}

func removeDatabase(path string) error {
	var errs []error
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		errs = append(errs, ignoreMissing(os.Remove(name)))
	}

	return errors.Join(errs...)
}
