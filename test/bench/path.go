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
	pathRate        = 2500 // messages/s
	pathMessages    = 12_000
	pathRounds      = 3
	pathConnections = 64
	// Meta lets a number send 80 messages/s, and 1,000 when it has earned that: there are as many of those as do not hold
	// the rest up.
	pathNumbers   = 8
	numberUpgrade = 1000
)

// walk is one run through the whole path.
type walk struct {
	loaded
	perSecond float64
	processor time.Duration // of the receiver, a message
	peak      int64         // bytes
}

// wholePath measures messages from the delivery to the recorded answer, between stand-ins that answer at once. Beside it
// stands how many the same stand-ins and the same load do with nothing but the calls between them.
func wholePath(ctx context.Context, binary string) (_ []figure, err error) {
	server, err := pgtest.Start(ctx, pgtest.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	settings := func(typing bool, store config.Store) config.Config {
		return config.Config{
			CloudAPI:   config.CloudAPI{MessagesPerSecond: numberUpgrade},
			Processing: config.Processing{TypingIndicator: &typing},
			Store:      store,
		}
	}
	paths := []struct {
		name     string
		settings config.Config
		walks    []walk
	}{
		{name: "whole path, messages/s, embedded store", settings: settings(false, config.Store{})},
		{name: "with read receipt and typing indicator, embedded store", settings: settings(true, config.Store{})},
		{name: "whole path, messages/s, PostgreSQL, one receiver", settings: settings(false, config.Store{PostgreSQL: &config.PostgreSQLStore{}})},
	}

	var relays []float64
	for round := range pathRounds {
		progress("path: round %d of %d", round+1, pathRounds)

		perSecond, err := relay(ctx)
		if err != nil {
			return nil, fmt.Errorf("with nothing between the calls: %w", err)
		}

		relays = append(relays, perSecond)
		for i := range paths {
			p := &paths[i]

			secrets := map[string]string{}
			if p.settings.Store.PostgreSQL != nil {
				user, err := server.NewUser()
				if err != nil {
					return nil, err
				}

				secrets[config.RoleDatabaseURL] = user.URL
			}

			w, err := walkThrough(ctx, binary, p.settings, secrets)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}

			p.walks = append(p.walks, w)
		}
	}

	slices.Sort(relays)
	base := relays[len(relays)/2]

	figures := []figure{
		{name: "business numbers, and messages/s that each may send", measured: fmt.Sprintf("%d, %s", pathNumbers, thousands(numberUpgrade))},
		{
			name:     "the same calls with nothing between them, messages/s",
			measured: thousands(int(base)),
			verdict:  baseLine,
		},
	}
	for i, p := range paths {
		slices.SortFunc(p.walks, func(a, b walk) int { return cmp.Compare(a.perSecond, b.perSecond) })
		w := p.walks[len(p.walks)/2]

		f := figure{
			name:     p.name,
			measured: thousands(int(w.perSecond)),
			ratio:    times(w.perSecond / base),
		}
		if i == 0 {
			f.target = ">= " + thousands(pathRate)
			f.verdict = verdict(w.perSecond >= pathRate)
		}

		figures = append(figures, f,
			figure{name: "  processor time of the receiver, a message", measured: w.processor.String()},
			figure{name: "  time to the acknowledgement meanwhile, p99", measured: short3(w.p99)},
			figure{name: "  deliveries put off meanwhile, and sent again", measured: thousands(int(w.putOff))},
			figure{name: "  memory, largest", measured: fmt.Sprintf("%.0f MB", megabytes(w.peak))},
		)
	}

	return figures, nil
}

func walkThrough(ctx context.Context, binary string, settings config.Config, secrets map[string]string) (_ walk, err error) {
	p, err := startPeople(ctx, binary, settings, secrets, pathMessages, 0)
	if err != nil {
		return walk{}, err
	}
	defer func() { err = errors.Join(err, p.end()) }()

	d, err := p.deliver(ctx, p.write(conversations, pathNumbers), pathConnections)
	if err != nil {
		return walk{}, err
	}

	used, err := p.Child.ProcessorTime()
	if err != nil {
		return walk{}, err
	}

	memory, err := p.Child.Memory()

	return walk{
		loaded:    d,
		perSecond: pathMessages / d.took.Seconds(),
		processor: (used / pathMessages).Round(time.Microsecond),
		peak:      memory.Peak,
	}, err
}

// relay is the base line: whoever takes a delivery asks the AI, sends its answer, and keeps nothing.
func relay(ctx context.Context) (perSecond float64, err error) {
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
				err = post(r.Context(), client, call.url, fmt.Sprintf(`{%q:"%0*d"}`, call.key, digits, message))
			}
		}

		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()

	l, err := load(ctx, strings.TrimPrefix(server.URL, "http://"), p.write(conversations, pathNumbers), pathConnections)

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
