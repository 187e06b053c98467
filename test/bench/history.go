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
	answeredShare   = 20 // one of so many finished events is an answered message
	chunkSize       = 20_000
	ingestSize      = 2_000 // events in one call
	concurrentSteps = 64
	progressStep    = 100_000
)

// storeSet is a set of stores of one engine.
type storeSet struct {
	name     string
	add      func(context.Context) (store.Store, error)
	maintain func(context.Context) error // does pending maintenance, which would otherwise disturb a measurement
	close    func() error
}

func newEmbeddedStores(context.Context) (storeSet, error) {
	dir, err := os.MkdirTemp("", "whatsapp-webhook-bench-")
	if err != nil {
		return storeSet{}, fmt.Errorf("create a folder for the stores: %w", err)
	}

	var stores []store.Store

	return storeSet{
		name: "embedded",
		add: func(ctx context.Context) (store.Store, error) {
			file := filepath.Join(dir, fmt.Sprintf("inbox-%d.db", len(stores)))

			s, err := sqlite.Open(ctx, file, sqlite.Options{})
			if err == nil {
				stores = append(stores, s)
			}

			return s, err
		},
		maintain: func(context.Context) error { return nil },
		close:    func() error { return errors.Join(closeAll(stores), os.RemoveAll(dir)) },
	}, nil
}

// newPostgreSQLStores returns a set whose stores are schemas of one real server.
func newPostgreSQLStores(ctx context.Context) (storeSet, error) {
	server, err := pgtest.Start(ctx, pgtest.Options{})
	if err != nil {
		return storeSet{}, err
	}

	var (
		stores []store.Store
		urls   []string
	)

	return storeSet{
		name: "PostgreSQL",
		add: func(ctx context.Context) (store.Store, error) {
			user, err := server.NewUser()
			if err != nil {
				return nil, err
			}

			s := postgres.Open(
				func() postgres.Access { return postgres.Access{URL: user.URL} },
				postgres.Options{},
			)
			stores = append(stores, s)
			urls = append(urls, user.URL)
			err = s.Ping(ctx) // creates the tables

			return s, err
		},
		// Autovacuum would do the same a minute later, during a measurement.
		maintain: func(ctx context.Context) error {
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

// execute runs one statement on its own connection.
func execute(ctx context.Context, url, sql string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}

	_, err = c.Exec(ctx, sql)

	return errors.Join(err, c.Close(ctx))
}

// textBody has the size of a text message in Meta's format.
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

// fillHistory stores finished events. One in 20 is a claimed and answered message, each of another person. The others are
// finished when stored, like most events in operation, which are statuses.
func fillHistory(ctx context.Context, on storeSet, s store.Store, count int) error {
	began := time.Now()
	for first := 0; first < count; first += chunkSize {
		last := min(first+chunkSize, count)

		err := ingestEvents(ctx, s, first, last, func(n int, at time.Time) store.Event {
			event := textOf(fmt.Sprint("history ", n), strconv.Itoa(n/answeredShare), at)
			if n%answeredShare != 0 {
				event.State = store.Done
				event.Lane = ""
			}

			return event
		})
		if err != nil {
			return err
		}

		now := time.Now()

		leases, err := s.Claim(ctx, store.Conversations, now, now.Add(time.Minute), chunkSize/answeredShare)
		if err != nil {
			return err
		}

		if err := finishAll(ctx, s, leases); err != nil {
			return err
		}

		if first == 0 {
			if err := on.maintain(ctx); err != nil { // the statistics are then those of a used database
				return err
			}
		}

		if last%progressStep == 0 {
			rate := float64(last) / time.Since(began).Seconds()
			progress("growth: %s: %s of %s events finished, %.0f per second",
				on.name, thousands(last), thousands(count), rate)
		}
	}

	stats, err := s.Stats(ctx, time.Now())
	if err == nil && stats.Pending > 0 {
		err = fmt.Errorf("%d events are not finished", stats.Pending)
	}

	return err
}

// fillBacklog stores pending messages, four of each person.
func fillBacklog(ctx context.Context, on storeSet, s store.Store, count int) error {
	progress("growth: %s: store %s pending events", on.name, thousands(count))

	return ingestEvents(ctx, s, 0, count, func(n int, at time.Time) store.Event {
		return textOf(fmt.Sprint("backlog ", n), strconv.Itoa(n/4), at)
	})
}

// ingestEvents stores the events from first to last, many per transaction.
func ingestEvents(
	ctx context.Context,
	s store.Store,
	first, last int,
	event func(n int, at time.Time) store.Event,
) error {
	at := time.Now()
	for begin := first; begin < last; begin += ingestSize {
		var events []store.Event
		for n := begin; n < min(begin+ingestSize, last); n++ {
			events = append(events, event(n, at))
		}

		if _, err := s.Ingest(ctx, events); err != nil {
			return err
		}
	}

	return nil
}

// finishAll records an answer for each leased conversation, which has one message.
func finishAll(ctx context.Context, s store.Store, leases []store.Lease) error {
	var working errgroup.Group
	working.SetLimit(concurrentSteps)

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
