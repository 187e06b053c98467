// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// tx is the transaction in progress.
type tx struct {
	conn  *conn
	dirty bool // a statement has written, or failed in SQLite, since dirty was last reset
	wrote bool // a statement has changed a row
	blind bool // the events after the lane's head are not to be read
	tally store.Tally
}

// exec runs a statement and returns the number of rows it changed.
func (t *tx) exec(sql string, args ...driver.Value) (changed int64, err error) {
	t.dirty = true

	result, err := t.conn.exec(context.Background(), sql, args...)
	if err != nil {
		return 0, err
	}

	changed, err = result.RowsAffected()
	t.wrote = t.wrote || changed > 0

	return changed, err
}

// insert runs an INSERT of one row, and reports whether it inserted it and under which rowid.
func (t *tx) insert(sql string, args ...driver.Value) (inserted bool, rowid int64, err error) {
	t.dirty = true

	result, err := t.conn.exec(context.Background(), sql, args...)
	if err != nil {
		return false, 0, err
	}

	changed, err := result.RowsAffected()
	if err != nil || changed == 0 {
		return false, 0, err
	}

	t.wrote = true

	rowid, err = result.LastInsertId()

	return true, rowid, err
}

// query runs a statement that only reads.
func (t *tx) query(sql string, each func(row) error, args ...driver.Value) error {
	err := t.conn.query(context.Background(), sql, each, args...)
	if err != nil {
		t.dirty = true
	}

	return err
}

// returning runs a statement that writes and returns rows.
func (t *tx) returning(sql string, each func(row) error, args ...driver.Value) error {
	t.dirty = true

	return t.conn.query(context.Background(), sql, func(r row) error {
		t.wrote = true
		return each(r)
	}, args...)
}

// applyTally adds the tally of the transaction to the counts.
func (t *tx) applyTally() error {
	if t.tally.IsZero() {
		return nil
	}

	_, err := t.exec(`
		UPDATE counts SET pending = pending + ?, pending_statuses = pending_statuses + ?,
			pending_notices = pending_notices + ?, dead = dead + ?, quarantined = quarantined + ?`,
		t.tally.Pending, t.tally.PendingStatuses, t.tally.PendingNotices, t.tally.DeadLetters, t.tally.Quarantined)

	return err
}
