// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

const (
	pathMessages    = 12_000
	pathRounds      = 3
	pathConnections = 64
	// Meta allows a number 80 messages/s, and 1,000 after an upgrade. There are enough upgraded numbers that this limit does
	// not slow down the path.
	pathNumbers   = 8
	numberUpgrade = 1000
)

// pathRun is the result of one run through the path.
type pathRun struct {
	loadResult
	perSecond float64
	processor time.Duration // of the receiver, per message
	peak      int64         // memory in bytes
}

// pathCase is a configuration of the receiver, and its runs.
type pathCase struct {
	name     string
	target   int // messages/s; 0 means none
	settings config.Config
	runs     []pathRun
}

func pathCases() []*pathCase {
	settings := func(typing bool, store config.Store) config.Config {
		return config.Config{
			CloudAPI:   config.CloudAPI{MessagesPerSecond: numberUpgrade},
			Processing: config.Processing{TypingIndicator: &typing},
			Store:      store,
		}
	}

	return []*pathCase{
		{
			name:     "whole path, messages/s, embedded store",
			target:   6000,
			settings: settings(false, config.Store{}),
		},
		{
			name:     "with read receipt and typing indicator, embedded store",
			settings: settings(true, config.Store{}),
		},
		{
			name:     "whole path, messages/s, PostgreSQL, one receiver",
			target:   4500,
			settings: settings(false, config.Store{PostgreSQL: &config.PostgreSQLStore{}}),
		},
	}
}

// wholePath measures messages from the delivery to the recorded answer, between stand-ins that answer at once. The base
// line is the same load on the same stand-ins without a receiver.
func wholePath(ctx context.Context, binary string) (_ []figure, err error) {
	server, err := pgtest.Start(ctx, pgtest.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	cases := pathCases()

	var baseRates []float64
	for round := range pathRounds {
		progress("path: round %d of %d", round+1, pathRounds)

		perSecond, err := runWithoutReceiver(ctx)
		if err != nil {
			return nil, fmt.Errorf("without the receiver: %w", err)
		}

		baseRates = append(baseRates, perSecond)

		for _, c := range cases {
			if err := c.run(ctx, binary, server); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}

	slices.Sort(baseRates)
	base := baseRates[len(baseRates)/2]

	figures := []figure{
		{
			name:     "business numbers, and messages/s that each may send",
			measured: fmt.Sprintf("%d, %s", pathNumbers, thousands(numberUpgrade)),
		},
		{
			name:     "the same calls without the receiver, messages/s",
			measured: thousands(int(base)),
			verdict:  baseLine,
		},
	}
	for _, c := range cases {
		figures = append(figures, c.figures(base)...)
	}

	return figures, nil
}

// run adds one run. With PostgreSQL each run has its own schema.
func (c *pathCase) run(ctx context.Context, binary string, server *pgtest.Server) error {
	secrets := map[string]string{}
	if c.settings.Store.PostgreSQL != nil {
		user, err := server.NewUser()
		if err != nil {
			return err
		}

		secrets[config.RoleDatabaseURL] = user.URL
	}

	r, err := runPath(ctx, binary, c.settings, secrets)
	c.runs = append(c.runs, r)

	return err
}

func (c *pathCase) median() pathRun {
	sorted := slices.SortedFunc(slices.Values(c.runs), func(a, b pathRun) int {
		return cmp.Compare(a.perSecond, b.perSecond)
	})

	return sorted[len(sorted)/2]
}

func (c *pathCase) figures(base float64) []figure {
	r := c.median()

	rate := figure{
		name:     c.name,
		measured: thousands(int(r.perSecond)),
		ratio:    times(r.perSecond / base),
	}
	if c.target > 0 {
		rate.target = ">= " + thousands(c.target)
		rate.verdict = verdict(r.perSecond >= float64(c.target))
	}

	return []figure{
		rate,
		{name: "  processor time of the receiver per message", measured: r.processor.String()},
		{name: "  time to the acknowledgement, p99", measured: short3(r.p99)},
		{name: "  deliveries answered 503 and repeated", measured: thousands(int(r.shed))},
		{name: "  memory, peak", measured: fmt.Sprintf("%.0f MB", megabytes(r.peak))},
	}
}

// runPath runs all messages through a receiver.
func runPath(
	ctx context.Context,
	binary string,
	settings config.Config,
	secrets map[string]string,
) (_ pathRun, err error) {
	p, err := startPeople(ctx, binary, settings, secrets, pathMessages, 0)
	if err != nil {
		return pathRun{}, err
	}
	defer func() { err = errors.Join(err, p.end()) }()

	d, err := p.deliver(ctx, p.write(conversations, pathNumbers), pathConnections)
	if err != nil {
		return pathRun{}, err
	}

	used, err := p.Child.ProcessorTime()
	if err != nil {
		return pathRun{}, err
	}

	memory, err := p.Child.Memory()

	return pathRun{
		loadResult: d,
		perSecond:  pathMessages / d.took.Seconds(),
		processor:  (used / pathMessages).Round(time.Microsecond),
		peak:       memory.Peak,
	}, err
}

// runWithoutReceiver measures the base line: a handler that calls the AI, sends the answer, and stores nothing.
func runWithoutReceiver(ctx context.Context) (perSecond float64, err error) {
	p, err := newPeople("", config.Config{}, nil, pathMessages, 0)
	if err != nil {
		return 0, err
	}

	defer func() { err = errors.Join(err, p.end()) }()

	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: pathConnections}}
	defer client.CloseIdleConnections()

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message, err := numberAfter(r, `"body":"`)
		for _, call := range []struct{ url, key string }{{p.BirdURL(), "text"}, {p.GraphURL(), "body"}} {
			if err == nil {
				err = post(
					r.Context(),
					client,
					call.url,
					fmt.Sprintf(`{%q:"%0*d"}`, call.key, digits, message),
				)
			}
		}

		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()

	l, err := load(
		ctx,
		strings.TrimPrefix(server.URL, "http://"),
		p.write(conversations, pathNumbers),
		pathConnections,
	)

	return l.perSecond, err
}

func post(ctx context.Context, client *http.Client, url, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}

	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()

	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}

	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", response.Status)
	}

	return nil
}
