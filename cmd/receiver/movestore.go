// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
)

const moveUsage = `usage: receiver move-store --from PLACE --to PLACE [--database-url-file FILE] [--database-ca-file FILE] [--ignore-sessions]

Moves all that the store of a stopped receiver holds to an empty store. One PLACE is the file of the embedded store, the
other one is postgresql. The URL of the database is in FILE, or else in the environment variable DATABASE_URL.
See "Changing the store" in docs/resource.md.
`

// move is a move of a store.
type move struct {
	database
	from, to  string
	reporting io.Writer
}

// moveStore moves a store as the arguments say, and returns the exit code.
func moveStore(args []string) int {
	m := move{
		database:  database{clock: clockwork.NewRealClock()},
		reporting: os.Stdout,
	}
	flags := newFlags("move-store", moveUsage)
	flags.StringVar(&m.from, "from", "", "")
	flags.StringVar(&m.to, "to", "", "")
	m.register(flags)

	return runSubcommand(flags, args, &m)
}

func (m *move) check(further int) error {
	switch {
	case further > 0:
		return errFurther
	case isURL(m.from) || isURL(m.to):
		return errURL
	case m.from == "" || m.to == "":
		return errors.New("--from and --to are required")
	case (m.from == inDatabase) == (m.to == inDatabase):
		return errors.New("one of --from and --to must be a file, and the other one " + inDatabase)
	}

	return nil
}

type (
	source interface {
		transfer.Source
		io.Closer
	}
	target interface {
		transfer.Target
		io.Closer
	}
)

func (m *move) run(ctx context.Context) (err error) {
	access, err := m.access()
	if err != nil {
		return err
	}

	from, err := m.source(ctx, access)
	if err != nil {
		return err
	}
	defer func() { err = m.ended(err, from.Close()) }()

	to, err := m.target(ctx, access)
	if err != nil {
		return err
	}
	defer func() { err = m.ended(err, to.Close()) }()

	return m.move(ctx, from, to)
}

// ended returns the error of a move, joined with the error of closing a store. A complete move returns no error: a Job would
// start it again.
func (m *move) ended(err, closing error) error {
	if err != nil {
		return errors.Join(err, closing)
	}

	if closing != nil {
		fmt.Fprintln(m.reporting, "the move is not affected: close a store:", closing)
	}

	return nil
}

func (m *move) move(ctx context.Context, from transfer.Source, to transfer.Target) error {
	_, err := transfer.Run(ctx, from, to, m.clock, func(moved transfer.Moved) {
		fmt.Fprintf(m.reporting, "%s: %d rows\n", moved.Table, moved.Rows)
	})

	switch {
	case errors.Is(err, transfer.ErrUnknown):
		return fmt.Errorf("%w: run the same command again before a receiver starts: if it says that the target is not empty, "+
			"this move was completed, and otherwise it moves the store", err)
	case err != nil:
		return fmt.Errorf("%w: the target is still empty, try again", err)
	}

	fmt.Fprintln(m.reporting, "the store was moved; the source still holds all data")

	return nil
}

func (m *move) source(ctx context.Context, access postgres.Access) (source, error) {
	if m.from != inDatabase {
		return sqlite.OpenSource(ctx, m.from)
	}

	return postgres.OpenSource(ctx, access, m.options(m.reporting))
}

func (m *move) target(ctx context.Context, access postgres.Access) (target, error) {
	if m.to != inDatabase {
		return sqlite.OpenTarget(ctx, m.to)
	}

	return postgres.OpenTarget(ctx, access, m.options(m.reporting))
}
