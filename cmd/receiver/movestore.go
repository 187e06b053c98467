// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
)

const (
	// inDatabase names the database in --from and --to, whose URL is a secret.
	inDatabase = "postgresql"
	// urlVariable is the environment variable with the URL, without --database-url-file.
	urlVariable = "DATABASE_URL"
	// maxSecretBytes limits a file with a secret. A bundle of CA certificates has about 220 KiB.
	maxSecretBytes = 512 << 10
)

const moveUsage = `usage: receiver move-store --from PLACE --to PLACE [--database-url-file FILE] [--database-ca-file FILE] [--ignore-sessions]

Moves all that the store of a stopped receiver holds to an empty store. One PLACE is the file of the embedded store, the
other one is postgresql. The URL of the database is in FILE, or else in the environment variable DATABASE_URL.
See "Changing the store" in docs/resource.md.
`

// move is a move of a store.
type move struct {
	from, to  string
	urlFile   string
	caFile    string
	ignore    bool
	clock     clockwork.Clock
	reporting io.Writer
}

// moveStore moves a store as the arguments say, and returns the exit code.
func moveStore(args []string) int {
	m := move{clock: clockwork.NewRealClock(), reporting: os.Stdout}
	flags := flag.NewFlagSet("move-store", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, moveUsage) }
	flags.StringVar(&m.from, "from", "", "")
	flags.StringVar(&m.to, "to", "", "")
	flags.StringVar(&m.urlFile, "database-url-file", "", "")
	flags.StringVar(&m.caFile, "database-ca-file", "", "")
	flags.BoolVar(&m.ignore, "ignore-sessions", false, "")

	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}

	if err := m.check(flags.NArg()); err != nil {
		fmt.Fprintln(os.Stderr, "receiver move-store:", err)
		flags.Usage()

		return 2
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if err := m.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "receiver move-store:", err)
		return 1
	}

	return 0
}

func (m *move) check(further int) error {
	for _, place := range []string{m.from, m.to} {
		if strings.Contains(place, "://") {
			return errors.New("a URL contains a password, which other users of the machine can see in arguments: " +
				"give " + inDatabase + ", and the URL in a file or in " + urlVariable)
		}
	}

	switch {
	case further > 0:
		return errors.New("there is an argument that belongs to no flag")
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
	defer func() { err = errors.Join(err, from.Close()) }()

	to, err := m.target(ctx, access)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()

	_, err = transfer.Run(ctx, from, to, m.clock, func(moved transfer.Moved) {
		fmt.Fprintf(m.reporting, "%s: %d rows\n", moved.Table, moved.Rows)
	})
	if err != nil {
		return fmt.Errorf("%w: the target is still empty, try again", err)
	}

	fmt.Fprintln(m.reporting, "the store was moved; the source still holds all data")

	return nil
}

func (m *move) source(ctx context.Context, access postgres.Access) (source, error) {
	if m.from != inDatabase {
		return sqlite.OpenSource(ctx, m.from)
	}

	return postgres.OpenSource(ctx, access, m.options())
}

func (m *move) target(ctx context.Context, access postgres.Access) (target, error) {
	if m.to != inDatabase {
		return sqlite.OpenTarget(ctx, m.to)
	}

	return postgres.OpenTarget(ctx, access, m.options())
}

func (m *move) options() postgres.TransferOptions {
	return postgres.TransferOptions{
		IgnoreSessions: m.ignore,
		Clock:          m.clock,
	}
}

// access reads the secrets of the database.
func (m *move) access() (access postgres.Access, err error) {
	access.URL = strings.TrimSpace(os.Getenv(urlVariable))

	if m.urlFile != "" {
		if access.URL, err = readSecret(m.urlFile); err != nil {
			return access, fmt.Errorf("--database-url-file: %w", err)
		}
	}

	if access.URL == "" {
		return access, errors.New("the URL of the database is missing: give --database-url-file, or set " + urlVariable)
	}

	if m.caFile != "" {
		if access.CA, err = readSecret(m.caFile); err != nil {
			return access, fmt.Errorf("--database-ca-file: %w", err)
		}
	}

	return access, postgres.CheckAccess(access)
}

func readSecret(path string) (_ string, err error) {
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()

	data, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+1))
	if err != nil {
		return "", err
	}

	if len(data) > maxSecretBytes {
		return "", fmt.Errorf("%s has more than %d bytes", path, maxSecretBytes)
	}

	return strings.TrimSpace(string(data)), nil
}
