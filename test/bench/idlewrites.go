// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/procfs"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

const (
	idleBytes        = 50_000_000 // a day
	idleTransactions = 1          // a second
	// idleWritesFor is a multiple of the interval at which a store is probed.
	idleWritesFor   = 2 * time.Minute
	idleSettle      = 15 * time.Second
	readyInterval   = 2 * time.Second // as the operator configures it
	figuresInterval = 30 * time.Second
)

// idleWrites measures what receivers without deliveries write to their store, while they are probed and asked for their
// figures.
func idleWrites(ctx context.Context, binary string) (_ []figure, err error) {
	embedded, _, err := start(ctx, binary)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, embedded.end()) }()

	server, err := pgtest.Start(ctx, pgtest.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	user, err := server.NewUser()
	if err != nil {
		return nil, err
	}

	shared, err := startPeople(ctx, binary, config.Config{Store: config.Store{PostgreSQL: &config.PostgreSQLStore{}}},
		map[string]string{config.RoleDatabaseURL: user.URL}, 0, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, shared.end()) }()

	// Until the sessions that have started the receiver have reported their numbers to the database, after 10 seconds without work.
	if err := watch(ctx, idleSettle, embedded, shared); err != nil {
		return nil, err
	}

	before, err := countWrites(ctx, embedded, user.URL)
	if err != nil {
		return nil, err
	}

	progress("idle: writes of %s", idleWritesFor)

	if err := watch(ctx, idleWritesFor, embedded, shared); err != nil {
		return nil, err
	}

	after, err := countWrites(ctx, embedded, user.URL)
	if err != nil {
		return nil, err
	}

	return idleWriteFigures(before, after), nil
}

// writeCounts are what the receivers have written so far.
type writeCounts struct {
	bytes        uint64 // to the embedded store
	transactions int64  // in the database
}

func countWrites(ctx context.Context, embedded *people, databaseURL string) (writeCounts, error) {
	bytes, err := writtenBytes(embedded.Child.PID())
	if err != nil {
		return writeCounts{}, err
	}

	transactions, err := databaseTransactions(ctx, databaseURL)

	return writeCounts{bytes: bytes, transactions: transactions}, err
}

func idleWriteFigures(before, after writeCounts) []figure {
	day := float64(after.bytes-before.bytes) * float64(24*time.Hour) / float64(idleWritesFor)
	rate := float64(after.transactions-before.transactions-1) / idleWritesFor.Seconds() // without the query itself

	return []figure{
		{
			name:     "  written a day, embedded store, idle",
			measured: fmt.Sprintf("%.0f MB", day/1e6),
			target:   fmt.Sprintf("< %.0f MB", megabytes(idleBytes)),
			ratio:    times(day / idleBytes),
			verdict:  verdict(day < idleBytes),
		},
		{
			name:     "  transactions/s, PostgreSQL, idle",
			measured: fmt.Sprintf("%.2f", rate),
			target:   fmt.Sprintf("< %d", idleTransactions),
			ratio:    times(rate / idleTransactions),
			verdict:  verdict(rate < idleTransactions),
		},
	}
}

// watch asks receivers as a cluster does: whether they are ready, and for their status and metrics.
func watch(ctx context.Context, period time.Duration, receivers ...*people) error {
	end := time.Now().Add(period)

	for figures := time.Now(); time.Now().Before(end); {
		paths := []string{"/readyz"}
		if now := time.Now(); !now.Before(figures) {
			figures = now.Add(figuresInterval)

			paths = append(paths, "/status", "/metrics")
		}

		for _, r := range receivers {
			for _, path := range paths {
				if err := ask(ctx, r.Child.AdminURL()+path); err != nil {
					return err
				}
			}
		}

		if err := sleep(ctx, readyInterval); err != nil {
			return err
		}
	}

	return nil
}

func ask(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask the receiver: %w", err)
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the receiver: %w", err)
	}
	defer response.Body.Close()

	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)); err != nil {
		return fmt.Errorf("read the receiver's answer: %w", err)
	}

	return nil
}

// writtenBytes returns what a process has written to disks so far, in whole pages of the system, as proc(5) counts it.
func writtenBytes(pid int) (uint64, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return 0, fmt.Errorf("read what the receiver has written: %w", err)
	}

	counts, err := process.IO()
	if err != nil {
		return 0, fmt.Errorf("read what the receiver has written: %w", err)
	}

	return counts.WriteBytes, nil
}

// databaseTransactions returns the number of transactions in a database so far.
func databaseTransactions(ctx context.Context, url string) (n int64, err error) {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()

	err = c.QueryRow(ctx, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read the number of transactions: %w", err)
	}

	return n, nil
}
