// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
	"github.com/pressly/goose/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/schema"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
)

// movingSuffix marks the sessions of a move.
const movingSuffix = "-move"

// TransferOptions are how a store is moved.
type TransferOptions struct {
	// IgnoreSessions leaves out that sessions of receivers must have ended. It is for receivers of other stores with the same
	// user, and for a pooler that keeps sessions open.
	IgnoreSessions bool
	Clock          clockwork.Clock // defaults to the real clock

	// Waiting gets the reason why the migration of the schema is tried again, once, unless it is nil.
	Waiting func(reason string)
}

// stopped is a store without receivers, in a transaction that locks its tables.
type stopped struct {
	database *database
	conn     *pgxpool.Conn
	tx       pgx.Tx
	options  TransferOptions
	receiver string // application_name of the sessions of receivers
}

// Source is a store that is moved to another one. It implements [transfer.Source].
type Source struct{ stopped }

// Target is an empty store to which another one is moved, in one transaction. It implements [transfer.Target].
type Target struct{ stopped }

// OpenSource opens the store that access leads to, to read it only. Receivers can write nothing before Close.
func OpenSource(ctx context.Context, access Access, options TransferOptions) (_ *Source, err error) {
	s := &Source{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the store: %w", err), s.Close())
		}
	}()

	if err := s.connect(ctx, access, options); err != nil {
		return nil, err
	}

	if err := s.checkSchema(ctx, schema.Require); err != nil {
		return nil, err
	}

	if err := s.checkUnused(ctx, s.conn); err != nil {
		return nil, err
	}

	if err := s.begin(ctx, "READ ONLY", "SHARE"); err != nil {
		return nil, err
	}

	if err := s.checkUnused(ctx, s.tx); err != nil { // none has begun before the locks
		return nil, err
	}

	return s, nil
}

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

	return t, conceal(ctx, err)
}

// connect connects to the database. A session of the pool is left for the versions of the schema.
func (s *stopped) connect(ctx context.Context, access Access, options TransferOptions) error {
	if options.Clock == nil {
		options.Clock = clockwork.NewRealClock()
	}

	s.options = options

	known := Options{
		MaxConnections: 4,
		Clock:          options.Clock,
		timeouts:       defaultTimeouts,
	}

	config, err := configure(access, known)
	if err != nil {
		return err
	}

	s.receiver = config.ConnConfig.RuntimeParams["application_name"]
	known.nameSuffix = movingSuffix
	s.database = newDatabase(access, known)
	s.conn, err = s.database.connect(ctx)

	return err
}

func (s *stopped) checkSchema(ctx context.Context, check func(context.Context, *sql.DB, *goose.Provider) error) error {
	return s.database.withMigrations(ctx, func(db *sql.DB, provider *goose.Provider) error {
		err := check(ctx, db, provider)
		if _, ok := errors.AsType[*schema.VersionError](err); ok || err == nil {
			return err // it contains only versions
		}

		return fmt.Errorf("read the version of the schema, which every store of a receiver has: %w", conceal(ctx, err))
	})
}

// checkBeforeMigration refuses a store that must not be migrated. A database without one has nothing to check.
func (t *Target) checkBeforeMigration(ctx context.Context) error {
	var there bool
	if err := t.conn.QueryRow(ctx, "SELECT to_regclass('goose_db_version') IS NOT NULL AND to_regclass('duties') IS NOT NULL").Scan(&there); err != nil {
		return conceal(ctx, err)
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

// querier is a connection or its transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// checkUnused returns an error if a receiver works on the store, as far as its traces show. Leases and the leadership of the
// subscription end soon after a receiver; that of retention can outlast it by far, and shows nothing.
func (s *stopped) checkUnused(ctx context.Context, on querier) error {
	var (
		sessions int
		until    *int64
	)

	err := on.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM pg_stat_activity
				WHERE application_name = $1 AND usename = current_user AND datname = current_database()),
			(SELECT max(at) FROM (
				SELECT ready_at AS at FROM conversations WHERE token IS NOT NULL
				UNION ALL SELECT until FROM duties WHERE duty <> $2
			) leases)`, s.receiver, store.JobRetention).Scan(&sessions, &until)
	if err != nil {
		return conceal(ctx, err)
	}

	switch now := s.options.Clock.Now(); {
	case sessions > 0 && !s.options.IgnoreSessions:
		return fmt.Errorf("%w: %d sessions of the user are open with the name %s: stop all receivers, "+
			"or ignore sessions if they belong to another store or to a pooler", transfer.ErrInUse, sessions, s.receiver)
	case until != nil && fromMillis(until).After(now):
		return fmt.Errorf("%w, or was killed: it holds leases until %s: stop all receivers, and try again then",
			transfer.ErrInUse, fromMillis(until).Format(time.RFC3339))
	}

	return nil
}

func (t *Target) checkEmpty(ctx context.Context, on querier) error {
	var full bool
	if err := on.QueryRow(ctx, "SELECT EXISTS (SELECT FROM events) OR EXISTS (SELECT FROM conversations)").Scan(&full); err != nil {
		return conceal(ctx, err)
	}

	if full {
		return transfer.ErrNotEmpty
	}

	return nil
}

// begin begins the transaction of the move and locks the tables, before its snapshot is taken. The time that a move takes is
// limited by its caller.
func (s *stopped) begin(ctx context.Context, access, mode string) (err error) {
	s.tx, err = s.conn.Begin(ctx)
	if err != nil {
		return conceal(ctx, err)
	}

	tables := []string{"counts"}
	for _, table := range transfer.Tables {
		tables = append(tables, table.Name)
	}

	for _, statement := range []string{
		"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ " + access,
		"SET LOCAL statement_timeout = 0",
		"SET LOCAL idle_in_transaction_session_timeout = 0",
		"SET LOCAL lock_timeout = '10s'",
		"LOCK TABLE " + strings.Join(tables, ", ") + " IN " + mode + " MODE",
	} {
		if _, err := s.tx.Exec(ctx, statement); err != nil {
			err = conceal(ctx, err)
			if failed, ok := errors.AsType[*fault](err); ok && failed.code == lockNotAvailable {
				return fmt.Errorf("%w, or another program: its tables cannot be locked", transfer.ErrInUse)
			}

			return err
		}
	}

	return nil
}

// Rows implements transfer.Source.
func (s *Source) Rows(ctx context.Context, table *transfer.Table, each func([]any) error) error {
	statement := "SELECT " + strings.Join(table.Names(), ", ") + " FROM " + table.Name + " ORDER BY " + table.Key

	rows, err := s.tx.Query(ctx, statement)
	if err != nil {
		return conceal(ctx, err)
	}
	defer rows.Close()

	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return conceal(ctx, err)
		}

		for i, value := range values {
			values[i] = neutral(value)
		}

		if err := each(values); err != nil {
			return err
		}
	}

	return conceal(ctx, rows.Err())
}

// neutral returns a value as it is moved.
func neutral(value any) any {
	switch v := value.(type) {
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case [16]byte:
		return v[:]
	default:
		return value
	}
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

	return conceal(ctx, err)
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
		return conceal(ctx, err)
	}

	if last > 0 {
		_, err := t.tx.Exec(ctx, "SELECT setval('events_seq', greatest($1::bigint, (SELECT last_value FROM events_seq)))", last)
		if err != nil {
			return conceal(ctx, err)
		}
	}

	for _, table := range transfer.Tables {
		if _, err := t.tx.Exec(ctx, "ANALYZE "+table.Name); err != nil {
			return conceal(ctx, err)
		}
	}

	return conceal(ctx, t.tx.Commit(ctx))
}

// Close ends the transaction and disconnects. Without a commit the store is as it was before.
func (s *stopped) Close() error {
	var err error

	if s.tx != nil {
		ctx, cancel := context.WithTimeout(context.Background(), defaultTimeouts.call)
		defer cancel()

		if err = s.tx.Rollback(ctx); errors.Is(err, pgx.ErrTxClosed) {
			err = nil
		}

		err = conceal(ctx, err)
	}

	if s.conn != nil {
		s.conn.Release()
	}

	if s.database != nil {
		s.database.close()
	}

	return err
}
