// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	pageLimit = 200 * time.Millisecond
	// walkLength is how many further pages of a list are opened, one after the other.
	walkLength  = 10
	pageTimeout = time.Minute
	maxPageSize = 16 << 20
	ownPages    = "/console/r/this/receiver"
)

// console measures how long the pages of the console take over a store with many events.
func console(ctx context.Context, binary string, count, rounds int) ([]figure, error) {
	if count < 1 || rounds < 1 {
		return nil, fmt.Errorf("%d rounds over %d events: want at least 1 of each", rounds, count)
	}

	embedded, err := consoleOf(ctx, "embedded", binary, "", func(context.Context) error { return nil }, count, rounds)
	if err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}

	database, err := consoleOfPostgreSQL(ctx, binary, count, rounds)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}

	return append(embedded, database...), nil
}

func consoleOfPostgreSQL(ctx context.Context, binary string, count, rounds int) (_ []figure, err error) {
	server, err := pgtest.Start(ctx, pgtest.Options{})
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, server.Close()) }()

	user, err := server.NewUser()
	if err != nil {
		return nil, err
	}

	return consoleOf(ctx, "PostgreSQL", binary, user.URL, func(ctx context.Context) error {
		return execute(ctx, user.URL, "VACUUM (ANALYZE)") // as autovacuum does after a minute
	}, count, rounds)
}

// consoleOf measures the pages over a store of one engine, which is PostgreSQL if there is the URL of a database.
func consoleOf(
	ctx context.Context,
	engine, binary, database string,
	maintain func(context.Context) error,
	count, rounds int,
) (_ []figure, err error) {
	options := rig.Options{
		Graph:  standin.GraphOptions{AccessTokens: []string{folder.AccessToken}},
		Binary: binary,
	}

	if database != "" {
		options.Config.Store.PostgreSQL = &config.PostgreSQLStore{}
		options.Secrets = map[string]string{config.RoleDatabaseURL: database}
	}

	r, err := rig.New(options)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, r.Stop(context.WithoutCancel(ctx)), r.Close()) }()

	progress("console: %s: store %s events", engine, thousands(count))

	if err := fillInbox(ctx, r, database, maintain, count); err != nil {
		return nil, err
	}

	if err := r.Start(ctx); err != nil {
		return nil, err
	}

	v := &visitor{base: r.Child.ConsoleURL(), client: &http.Client{Timeout: pageTimeout}}
	defer v.client.CloseIdleConnections()

	progress("console: %s: open each page %d times", engine, rounds)

	return v.visit(ctx, engine, count, rounds)
}

func fillInbox(ctx context.Context, r *rig.Rig, database string, maintain func(context.Context) error, count int) (err error) {
	opened, err := rig.OpenStore(ctx, r.Config.Store, database)
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, opened.Close()) }()

	if err := opened.Ping(ctx); err != nil {
		return err
	}

	filled := &inbox{
		store:    opened,
		count:    count,
		end:      time.Now(),
		maintain: maintain,
	}

	return filled.fill(ctx)
}

// visitor opens pages of a console.
type visitor struct {
	base   string
	client *http.Client
}

// visited is a page, or pages of one kind, with the times that they took.
type visited struct {
	name  string
	paths []string
	walks bool // follows the links to further pages

	took      []time.Duration
	worst     time.Duration
	worstPath string
}

// visit opens all pages, in turn.
func (v *visitor) visit(ctx context.Context, engine string, count, rounds int) ([]figure, error) {
	pages, err := v.pages(ctx)
	if err != nil {
		return nil, err
	}

	for range rounds {
		for _, page := range pages {
			for _, path := range page.paths {
				if err := v.open(ctx, page, path); err != nil {
					return nil, err
				}
			}
		}
	}

	figures := []figure{{name: engine + ": events in the store", measured: thousands(count)}}

	for _, page := range pages {
		progress("console: %s: %s: slowest is %s", engine, page.name, page.worstPath)

		figures = append(figures, page.figure())
	}

	return figures, nil
}

func (v *visited) figure() figure {
	slices.Sort(v.took)

	p99 := v.took[len(v.took)*99/100]

	return figure{
		name:     "  " + v.name + ", p50 and p99",
		measured: short3(v.took[len(v.took)/2]) + ", " + short3(p99),
		target:   "< " + pageLimit.String(),
		ratio:    times(p99.Seconds() / pageLimit.Seconds()),
		verdict:  verdict(p99 < pageLimit),
	}
}

// open opens a page, and further pages of its list if it walks.
func (v *visitor) open(ctx context.Context, page *visited, path string) error {
	for range walkLength {
		began := time.Now()

		body, err := v.get(ctx, path)
		if err != nil {
			return err
		}

		took := time.Since(began)

		page.took = append(page.took, took)
		if took > page.worst {
			page.worst = took
			page.worstPath = path
		}

		further := furtherLink.FindStringSubmatch(body)
		if !page.walks || further == nil {
			return nil
		}

		path = html.UnescapeString(further[1])
	}

	return nil
}

func (v *visitor) get(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+path, http.NoBody)
	if err != nil {
		return "", err
	}

	response, err := v.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()

	body, err := io.ReadAll(io.LimitReader(response.Body, maxPageSize))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is answered %s", path, response.Status)
	}

	return string(body), err
}
