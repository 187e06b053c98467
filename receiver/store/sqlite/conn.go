// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"modernc.org/sqlite"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// conn is a connection with its prepared statements. It calls the driver directly, since database/sql takes longer over
// a statement than SQLite does. It is not safe for concurrent use.
type conn struct {
	driver driver.Conn
	stmts  map[string]driver.Stmt // by their SQL, which is constant
	args   []driver.NamedValue
}

func connect(ctx context.Context, dsn string) (*conn, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}

	c, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}

	return &conn{driver: c, stmts: map[string]driver.Stmt{}}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, stmt := range c.stmts {
		errs = append(errs, stmt.Close())
	}

	return errors.Join(append(errs, c.driver.Close())...)
}

func (c *conn) prepare(ctx context.Context, sql string) (driver.Stmt, error) {
	if stmt, ok := c.stmts[sql]; ok {
		return stmt, nil
	}

	preparer, ok := c.driver.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("the driver's %T cannot prepare statements", c.driver)
	}

	stmt, err := preparer.PrepareContext(ctx, sql)
	if err != nil {
		return nil, err
	}

	c.stmts[sql] = stmt

	return stmt, nil
}

func (c *conn) bind(args []driver.Value) []driver.NamedValue {
	c.args = c.args[:0]
	for i, v := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}

	return c.args
}

// exec runs a statement that returns no rows.
func (c *conn) exec(ctx context.Context, sql string, args ...driver.Value) (driver.Result, error) {
	stmt, err := c.prepare(ctx, sql)
	if err != nil {
		return nil, err
	}

	execer, ok := stmt.(driver.StmtExecContext)
	if !ok {
		return nil, fmt.Errorf("the driver's %T cannot be executed", stmt)
	}

	return execer.ExecContext(ctx, c.bind(args))
}

// query calls each for every row. The row is valid during the call. The function must not run the same statement.
func (c *conn) query(ctx context.Context, sql string, each func(row) error, args ...driver.Value) (err error) {
	stmt, err := c.prepare(ctx, sql)
	if err != nil {
		return err
	}

	querier, ok := stmt.(driver.StmtQueryContext)
	if !ok {
		return fmt.Errorf("the driver's %T cannot be queried", stmt)
	}

	rows, err := querier.QueryContext(ctx, c.bind(args))
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, rows.Close()) }()

	values := make(row, len(rows.Columns()))
	for {
		if err := rows.Next(values); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}

		if err := each(values); err != nil {
			return err
		}
	}
}

// readTransaction runs a function in a transaction that it rolls back, and reports whether the connection can be used again.
// BEGIN and ROLLBACK wait for nothing, so ctx does not cancel them: the driver would return the error of ctx for a statement that
// has run, and leave the connection in the transaction.
func (c *conn) readTransaction(ctx context.Context, run func(*conn) error) (isUsable bool, err error) {
	always := context.WithoutCancel(ctx)
	if _, err := c.exec(always, "BEGIN"); err != nil {
		return false, fmt.Errorf("begin to read: %w", err)
	}

	err = run(c)

	if _, end := c.exec(always, "ROLLBACK"); end != nil {
		return false, errors.Join(err, fmt.Errorf("end reading: %w", end))
	}

	return true, err
}

// row holds the columns of a result. A NULL column reads as the zero value.
type row []driver.Value

func (r row) int(i int) int64 {
	v, _ := r[i].(int64)
	return v
}

func (r row) class(i int) store.Class { return store.Class(r.int(i)) } //nolint:gosec // a class was written there

func (r row) text(i int) string {
	v, _ := r[i].(string)
	return v
}

func (r row) blob(i int) []byte {
	v, _ := r[i].([]byte)
	return v
}

// id returns the id of an event, or errAltered.
func (r row) id(i int) (store.ID, error) {
	value := r.blob(i)
	if len(value) != len(store.ID{}) {
		return store.ID{}, errAltered
	}

	return store.ID(value), nil
}

func (r row) time(i int) time.Time {
	if v, ok := r[i].(int64); ok {
		return time.UnixMilli(v).UTC()
	}

	return time.Time{}
}

// millis is the inverse of row.time.
func millis(t time.Time) driver.Value {
	if t.IsZero() {
		return nil
	}

	return t.UnixMilli()
}

// optional returns nil for the empty text, so that it is stored as NULL.
func optional(text string) driver.Value {
	if text == "" {
		return nil
	}

	return text
}

// bytes returns nil for nil and for empty, so that both are stored as NULL.
func bytes(b []byte) driver.Value {
	if len(b) == 0 {
		return nil
	}

	return b
}
