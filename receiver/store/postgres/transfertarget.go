// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
)

// Target is an empty store to which another one is moved, in one transaction. It implements [transfer.Target].
type Target struct{ stopped }

// OpenTarget opens the store that access leads to, which must be empty, and migrates its schema. Receivers can read and write
// nothing before Close.
func OpenTarget(ctx context.Context, access Access, options TransferOptions) (_ *Target, err error) {
	t := &Target{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("prepare the store: %w", err), t.Close())
		}
	}()

	if err := t.connect(ctx, access, options); err != nil {
		return nil, err
	}

	if err := t.checkBeforeMigration(ctx); err != nil {
		return nil, err
	}

	if err := t.migrate(ctx); err != nil {
		return nil, err
	}

	if err := t.begin(ctx, "READ WRITE", "ACCESS EXCLUSIVE"); err != nil {
		return nil, err
	}

	if err := t.checkUnused(ctx, t.tx); err != nil {
		return nil, err
	}

	if err := t.checkEmpty(ctx, t.tx); err != nil {
		return nil, err
	}

	_, err = t.tx.Exec(ctx, "DELETE FROM pauses") // of a receiver that has not received anything

	return t, sanitizeError(ctx, err)
}

// checkBeforeMigration refuses a store that must not be migrated. A database without one has nothing to check.
func (t *Target) checkBeforeMigration(ctx context.Context) error {
	var there bool
	if err := t.conn.QueryRow(ctx, "SELECT to_regclass('goose_db_version') IS NOT NULL AND to_regclass('duties') IS NOT NULL").Scan(&there); err != nil {
		return sanitizeError(ctx, err)
	}

	if !there {
		return nil
	}

	if err := t.checkSchema(ctx, schema.RequireNotNewer); err != nil {
		return err
	}

	if err := t.checkUnused(ctx, t.conn); err != nil {
		return err
	}

	return t.checkEmpty(ctx, t.conn)
}

func (t *Target) checkEmpty(ctx context.Context, on querier) error {
	var full bool
	if err := on.QueryRow(ctx, "SELECT EXISTS (SELECT FROM events) OR EXISTS (SELECT FROM conversations)").Scan(&full); err != nil {
		return sanitizeError(ctx, err)
	}

	if full {
		return transfer.ErrNotEmpty
	}

	return nil
}

// Add implements transfer.Target.
func (t *Target) Add(ctx context.Context, table *transfer.Table, rows [][]any) error {
	added, err := t.tx.CopyFrom(ctx, pgx.Identifier{table.Name}, table.Names(), pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		for j, c := range table.Columns {
			rows[i][j] = stored(c.Kind, rows[i][j])
		}

		return rows[i], nil
	}))
	if err == nil && added != int64(len(rows)) {
		return fmt.Errorf("the database stored %d of %d rows", added, len(rows))
	}

	return sanitizeError(ctx, err)
}

// stored returns a value as this engine stores it.
func stored(kind transfer.Kind, value any) any {
	switch v := value.(type) {
	case string:
		if kind == transfer.Text {
			return sanitize(v)
		}

		return valid(v)
	case []byte:
		if kind == transfer.ID && len(v) == len(store.ID{}) {
			return store.ID(v)
		}
	}

	return value
}

// Commit implements transfer.Target. The planner gets statistics, since it knows nothing of the rows.
func (t *Target) Commit(ctx context.Context, figures store.Tally, last int64) error {
	_, err := t.tx.Exec(ctx, `
		UPDATE counts SET
			pending = CASE slot WHEN 0 THEN $1::bigint ELSE 0 END,
			pending_statuses = CASE slot WHEN 0 THEN $2::bigint ELSE 0 END,
			pending_notices = CASE slot WHEN 0 THEN $3::bigint ELSE 0 END,
			dead = CASE slot WHEN 0 THEN $4::bigint ELSE 0 END,
			quarantined = CASE slot WHEN 0 THEN $5::bigint ELSE 0 END`,
		figures.Pending, figures.PendingStatuses, figures.PendingNotices, figures.DeadLetters, figures.Quarantined)
	if err != nil {
		return sanitizeError(ctx, err)
	}

	if last > 0 {
		_, err := t.tx.Exec(ctx, "SELECT setval('events_seq', greatest($1::bigint, (SELECT last_value FROM events_seq)))", last)
		if err != nil {
			return sanitizeError(ctx, err)
		}
	}

	for _, table := range transfer.Tables {
		if _, err := t.tx.Exec(ctx, "ANALYZE "+table.Name); err != nil {
			return sanitizeError(ctx, err)
		}
	}

	return sanitizeError(ctx, t.tx.Commit(ctx))
}
