// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

const (
	worked      = 20 // one of so many finished events was a message to be answered
	chunk       = 20_000
	atOnce      = 2_000 // events in one call
	stepsAtOnce = 64
	tellEvery   = 100_000
)

// shelf holds stores of one engine, side by side.
type shelf struct {
	name   string
	add    func(context.Context) (store.Store, error)
	settle func(context.Context) error // leaves nothing of the filling to be done while others are measured
	close  func() error
}

func embeddedShelf(context.Context) (shelf, error) {
	dir, err := os.MkdirTemp("", "whatsapp-webhook-bench-")
	if err != nil {
		return shelf{}, fmt.Errorf("make a folder for the stores: %w", err)
	}

	var stores []store.Store

	return shelf{
		name: "embedded",
		add: func(ctx context.Context) (store.Store, error) {
			s, err := sqlite.Open(ctx, filepath.Join(dir, fmt.Sprintf("inbox-%d.db", len(stores))), sqlite.Options{})
			if err == nil {
				stores = append(stores, s)
			}

			return s, err
		},
		settle: func(context.Context) error { return nil },
		close:  func() error { return errors.Join(closeAll(stores), os.RemoveAll(dir)) },
	}, nil
}

// databaseShelf keeps each store in a schema of its own of one real server.
func databaseShelf(ctx context.Context) (shelf, error) {
	server, err := pgtest.Start(ctx, pgtest.Options{})
	if err != nil {
		return shelf{}, err
	}

	var (
		stores []store.Store
		urls   []string
	)

	return shelf{
		name: "PostgreSQL",
		add: func(ctx context.Context) (store.Store, error) {
			user, err := server.NewUser()
			if err != nil {
				return nil, err
			}

			s := postgres.Open(func() postgres.Access { return postgres.Access{URL: user.URL} }, postgres.Options{})
			stores = append(stores, s)
			urls = append(urls, user.URL)
			err = s.Ping(ctx) // makes its tables

			return s, err
		},
		// The server would do the same by itself, a minute later, and so in the middle of a measurement.
		settle: func(ctx context.Context) error {
			for _, url := range urls {
				if err := execute(ctx, url, "VACUUM (ANALYZE) events, conversations, replies, counts"); err != nil {
					return fmt.Errorf("vacuum: %w", err)
				}
			}

			return nil
		},
		close: func() error { return errors.Join(closeAll(stores), server.Close()) },
	}, nil
}

func closeAll(stores []store.Store) error {
	var errs []error
	for _, s := range stores {
		errs = append(errs, s.Close())
	}

	return errors.Join(errs...)
}

func execute(ctx context.Context, url, sql string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}

	_, err = c.Exec(ctx, sql)

	return errors.Join(err, c.Close(ctx))
}

// textBody has the size of a text message as Meta delivers it.
var textBody = []byte(`{"text":"` + strings.Repeat("x", 400) + `"}`)

func textOf(name, person string, at time.Time) store.Event {
	return store.Event{
		ID:            store.NewID(store.KindMessage, name),
		Kind:          store.KindMessage,
		Type:          "text",
		State:         store.Pending,
		Lane:          phoneNumberID + "/" + person,
		PhoneNumberID: phoneNumberID,
		Payload:       textBody,
		ReceivedAt:    at,
	}
}

// fillHistory stores so many finished events. One in 20 is a message that was claimed and answered, of a person of its own;
// the others were finished when they came, as most are in operation: statuses, above all.
func fillHistory(ctx context.Context, on shelf, s store.Store, count int) error {
	began := time.Now()
	for first := 0; first < count; first += chunk {
		last := min(first+chunk, count)

		err := arrive(ctx, s, first, last, func(n int, at time.Time) store.Event {
			event := textOf(fmt.Sprint("history ", n), strconv.Itoa(n/worked), at)
			if n%worked != 0 {
				event.State = store.Done
				event.Lane = ""
			}

			return event
		})
		if err != nil {
			return err
		}

		now := time.Now()

		leases, err := s.Claim(ctx, store.Conversations, now, now.Add(time.Minute), chunk/worked)
		if err != nil {
			return err
		}

		if err := work(ctx, s, leases); err != nil {
			return err
		}

		if first == 0 {
			if err := on.settle(ctx); err != nil { // what comes then finds a server that has run for a while
				return err
			}
		}

		if last%tellEvery == 0 {
			progress("growth: %s: %s of %s events finished, %.0f a second", on.name, thousands(last), thousands(count), float64(last)/time.Since(began).Seconds())
		}
	}

	stats, err := s.Stats(ctx, time.Now())
	if err == nil && stats.Pending > 0 {
		err = fmt.Errorf("%d events are not finished", stats.Pending)
	}

	return err
}

// fillBacklog stores messages that nobody works, four of a person.
func fillBacklog(ctx context.Context, on shelf, s store.Store, count int) error {
	progress("growth: %s: %s events wait", on.name, thousands(count))

	return arrive(ctx, s, 0, count, func(n int, at time.Time) store.Event {
		return textOf(fmt.Sprint("backlog ", n), strconv.Itoa(n/4), at)
	})
}

// arrive stores the events from first until last, many to a transaction.
func arrive(ctx context.Context, s store.Store, first, last int, event func(n int, at time.Time) store.Event) error {
	at := time.Now()
	for begin := first; begin < last; begin += atOnce {
		var events []store.Event
		for n := begin; n < min(begin+atOnce, last); n++ {
			events = append(events, event(n, at))
		}

		if _, err := s.Ingest(ctx, events); err != nil {
			return err
		}
	}

	return nil
}

// work answers the leased conversations, which have one message each.
func work(ctx context.Context, s store.Store, leases []store.Lease) error {
	var working errgroup.Group
	working.SetLimit(stepsAtOnce)

	for _, lease := range leases {
		working.Go(func() error {
			_, err := s.Advance(ctx, lease.LeaseRef, lease.Work.Event.ID, store.Step{
				Now:     time.Now(),
				Answer:  []store.Reply{{Type: "text", Body: textBody}},
				Sent:    &store.SentRef{MessageID: "wamid." + lease.Work.Event.ID.String()},
				Outcome: &store.Outcome{State: store.Done},
			})

			return err
		})
	}

	return working.Wait()
}
