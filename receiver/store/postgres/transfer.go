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

const (
	// movingSuffix marks the sessions of a move.
	movingSuffix = "-move"

	// maxAhead is more than the clock of a receiver can be ahead. A lease that was granted later is ignored: an interrupted
	// [store.EndRestored] granted it, which claims lanes that are due in the future, or RepairClock will free it.
	maxAhead = 24 * time.Hour
)

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

		return fmt.Errorf("read the version of the schema, which every store of a receiver has: %w", sanitizeError(ctx, err))
	})
}

// querier is a connection or its transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// checkUnused returns an error if a receiver works on the store, as far as sessions, leases and leaderships show. Leases and
// the leadership of the subscription end soon after the receiver does. The leadership of retention may last much longer, so
// it is ignored, and so is a lease that no receiver can have granted. An older schema may lack the column with the time at
// which leases were granted, so the query does not name it.
func (s *stopped) checkUnused(ctx context.Context, on querier) error {
	var (
		sessions int
		until    *int64
	)

	now := s.options.Clock.Now()

	err := on.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM pg_stat_activity
				WHERE application_name = $1 AND usename = current_user AND datname = current_database()),
			(SELECT max(at) FROM (
				SELECT ready_at AS at FROM conversations c
				WHERE token IS NOT NULL AND coalesce((to_jsonb(c) ->> 'set_at')::bigint, 0) <= $3
				UNION ALL SELECT until FROM duties WHERE duty <> $2
			) leases)`, s.receiver, store.JobRetention, now.Add(maxAhead).UnixMilli()).Scan(&sessions, &until)
	if err != nil {
		return sanitizeError(ctx, err)
	}

	switch {
	case sessions > 0 && !s.options.IgnoreSessions:
		return fmt.Errorf("%w: %d sessions of the user are open with the name %s: stop all receivers, "+
			"or ignore sessions if they belong to another store or to a pooler", transfer.ErrInUse, sessions, s.receiver)
	case until != nil && fromMillis(until).After(now):
		return fmt.Errorf("%w, or was killed: it holds leases until %s: stop all receivers, and try again then",
			transfer.ErrInUse, fromMillis(until).Format(time.RFC3339))
	}

	return nil
}

// begin begins the transaction of the move and locks the tables, before its snapshot is taken. The time that a move takes is
// limited by its caller.
func (s *stopped) begin(ctx context.Context, access, mode string) (err error) {
	s.tx, err = s.conn.Begin(ctx)
	if err != nil {
		return sanitizeError(ctx, err)
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
			err = sanitizeError(ctx, err)
			if failed, ok := errors.AsType[*fault](err); ok && failed.code == lockNotAvailable {
				return fmt.Errorf("%w, or another program: its tables cannot be locked", transfer.ErrInUse)
			}

			return err
		}
	}

	return nil
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

		err = sanitizeError(ctx, err)
	}

	if s.conn != nil {
		s.conn.Release()
	}

	if s.database != nil {
		s.database.close()
	}

	return err
}
