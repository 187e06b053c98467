// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

const endUsage = `usage: receiver end-pending --store PLACE [--database-url-file FILE] [--database-ca-file FILE] [--ignore-sessions]

Ends the pending messages of a store that was restored from a snapshot or a dump as dead letters, before a receiver starts
with it: they may have been answered since. What else would reach a person again expires. PLACE is the file of the embedded
store, or postgresql. The URL of the database is in FILE, or else in the environment variable DATABASE_URL. See "What a
restored receiver does" in docs/volumes.md.
`

// pendingEnd ends the pending messages of a restored store.
type pendingEnd struct {
	database
	place     string
	reporting io.Writer
}

// endPending ends the pending messages of a store as the arguments say, and returns the exit code.
func endPending(args []string) int {
	e := pendingEnd{
		database:  database{clock: clockwork.NewRealClock()},
		reporting: os.Stdout,
	}
	flags := newFlags("end-pending", endUsage)
	flags.StringVar(&e.place, "store", "", "")
	e.register(flags)

	return runSubcommand(flags, args, &e)
}

func (e *pendingEnd) check(further int) error {
	switch {
	case further > 0:
		return errFurther
	case isURL(e.place):
		return errURL
	case e.place == "":
		return errors.New("--store is required")
	}

	return nil
}

func (e *pendingEnd) run(ctx context.Context) (err error) {
	restored, err := e.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restored.Close()) }()

	claimed := &claimedStore{Store: restored}
	ended, err := store.EndRestored(ctx, claimed, e.clock.Now())

	fmt.Fprintf(e.reporting, "%d pending messages are dead letters with the code %s now\n", ended, store.CodeRestored)

	if err != nil {
		return fmt.Errorf("%w: try again", err)
	}

	return requireEnded(ctx, claimed, e.clock.Now())
}

// requireEnded returns an error if something is still pending that reaches a person again. Claims leave out what cannot be read,
// and what another program has locked.
func requireEnded(ctx context.Context, restored *claimedStore, now time.Time) error {
	stats, err := restored.Stats(ctx, now)

	switch {
	case err != nil:
		return err
	case stats.Damaged > 0:
		return fmt.Errorf("%d messages are still pending, and perhaps statuses, since the file cannot be read where they are, and a "+
			"receiver that can read them will process them: restore another snapshot, or a backup", stats.Pending)
	case stats.Pending > 0:
		return fmt.Errorf("%d messages are still pending, since another program has locked them: end it, and try again", stats.Pending)
	case restored.isLeft:
		return errors.New("statuses are still pending, since another program has locked them: end it, and try again")
	}

	return nil
}

// claimedStore is a store that notes what the last claim of statuses has left: earlier claims are leased then.
type claimedStore struct {
	store.Store
	isLeft bool
}

// Claim implements store.Queue.
func (s *claimedStore) Claim(ctx context.Context, class store.Class, now, until time.Time, limit int) ([]store.Lease, error) {
	leases, err := s.Store.Claim(ctx, class, now, until, limit)
	if err != nil || len(leases) > 0 || class != store.Statuses {
		return leases, err
	}

	schedules, _, err := s.Schedule(ctx, now)
	due := schedules[class].NextDue
	s.isLeft = !due.IsZero() && !due.After(now)

	return nil, err
}

// open opens the store of a stopped receiver, and migrates it.
func (e *pendingEnd) open(ctx context.Context) (store.Store, error) {
	if e.place != inDatabase {
		if _, err := os.Stat(e.place); err != nil { // opening would create it
			return nil, err
		}

		return sqlite.Open(ctx, e.place, sqlite.Options{Clock: e.clock})
	}

	access, err := e.access()
	if err != nil {
		return nil, err
	}

	// A receiver of this version would migrate the schema too, and answer what is pending.
	if err := postgres.MigrateStopped(ctx, access, e.options(e.reporting)); err != nil {
		return nil, err
	}

	return postgres.Open(func() postgres.Access { return access }, postgres.Options{Clock: e.clock}), nil
}
