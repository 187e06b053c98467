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

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
)

// transcriptsTable holds the transcripts, which are a column of events in a move.
const transcriptsTable = "transcripts"

// readAs and writtenAs are the expressions of columns that this engine stores in another way.
var (
	readAs = map[string]string{
		"events.transcript":      "(SELECT text FROM " + transcriptsTable + " WHERE event = seq)",
		"conversations.taken_by": "nullif(taken_by, '')",
	}
	writtenAs = map[string]string{"conversations.taken_by": "coalesce(?, '')"}
)

// Source is a stopped store that is moved to another one. It implements [transfer.Source].
type Source struct {
	lock *os.File
	conn *conn
}

// OpenSource opens the store in the file at path to read it only. No receiver can open it before Close.
func OpenSource(ctx context.Context, path string) (_ *Source, err error) {
	s := &Source{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the store %s: %w", path, err), s.Close())
		}
	}()

	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}

	if _, err := os.Stat(path); err != nil {
		return nil, err
	}

	if s.lock, err = acquire(path + ".lock"); err != nil {
		return nil, fmt.Errorf("%w: %w", transfer.ErrInUse, err)
	}

	unchanged := dsn(path, reading) + "&mode=ro"
	if err := withMigrations(unchanged, func(db *sql.DB, provider *goose.Provider) error {
		return schema.Require(ctx, db, provider)
	}); err != nil {
		return nil, err
	}

	if s.conn, err = connect(ctx, unchanged); err != nil {
		return nil, err
	}

	_, err = s.conn.exec(ctx, "BEGIN")

	return s, err
}

// Rows implements transfer.Source.
func (s *Source) Rows(ctx context.Context, table *transfer.Table, each func([]any) error) error {
	var columns []string
	for _, name := range table.Names() {
		columns = append(columns, cmp.Or(readAs[table.Name+"."+name], name))
	}

	statement := "SELECT " + strings.Join(columns, ", ") + " FROM " + table.Name + " ORDER BY " + table.Key

	err := s.conn.query(ctx, statement, func(r row) error {
		values := make([]any, len(r))
		for i, c := range table.Columns {
			values[i] = neutral(c.Kind, r[i])
		}

		return each(values)
	})
	if isDamage(err) {
		return fmt.Errorf("the file is damaged: restore a backup, and move that: %w", err)
	}

	return err
}

// neutral returns a value as it is moved. SQLite has no booleans, and a text may have been stored as bytes.
func neutral(kind transfer.Kind, value driver.Value) any {
	switch v := value.(type) {
	case int64:
		if kind == transfer.Boolean {
			return v != 0
		}
	case []byte:
		if kind == transfer.Text || kind == transfer.LongText {
			return string(v)
		}
	case string:
		if kind == transfer.Bytes || kind == transfer.ID {
			return []byte(v)
		}
	}

	return value
}

// Close releases the file.
func (s *Source) Close() error {
	var errs []error

	if s.conn != nil {
		errs = append(errs, s.conn.close())
	}

	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}

	return errors.Join(errs...)
}
