// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	stopTimeout = time.Minute
	askTimeout  = 5 * time.Second
	maxPage     = 64 << 10
	// tellers is how many statuses Meta tells at a time, and maxToTell how many may wait for that.
	tellers   = 4
	maxToTell = 1 << 14
	// stuck is how long nothing may get done before it is given up that it will.
	stuck = time.Minute
)

// place is where the receiver's real binary runs, between a Bird and a Meta that answer at once.
type place struct {
	dir          string
	folder       string          // of the embedded store
	receiver     *child.Receiver // nil while none runs
	database     *pgtest.Server  // nil with the embedded store
	url          string
	ledger       *ledger
	graph        *standin.Graph
	bird         *standin.Bird
	toMeta, toAI *httptest.Server

	telling     sync.WaitGroup
	stopTelling context.CancelFunc
	toTell      chan standin.SentMessage
	complaints  atomic.Int64 // warnings and errors in the receiver's log
	verbose     bool
}

// settings are what scenarios differ by.
type settings struct {
	binary string
	engine string // embedded or postgresql
	// folder, when given, is where the embedded store is to be.
	folder string
	// statuses are told of what was sent, as Meta does; so a receiver learns what became of a send in doubt.
	statuses bool
	env      []string // of the receiver, besides the program's own
	// around, when given, runs what starts the receiver and its database.
	around  func(start func() error) error
	verbose bool
}

// settle starts everything and returns once the receiver is ready.
func settle(ctx context.Context, s settings) (_ *place, err error) {
	p := &place{
		ledger:  newLedger(),
		toTell:  make(chan standin.SentMessage, maxToTell),
		verbose: s.verbose,
	}
	if p.dir, err = os.MkdirTemp("", "overload-"); err != nil {
		return nil, fmt.Errorf("make a folder for the receiver: %w", err)
	}

	if p.folder = s.folder; p.folder == "" {
		p.folder = p.dir
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.leave())
		}
	}()

	p.graph = standin.NewGraph(standin.GraphOptions{Keep: -1, StatusSink: func(m standin.SentMessage) {
		p.ledger.answer(m)

		if !s.statuses {
			return
		}

		select {
		case p.toTell <- m:
		default: // Meta promises no status, and a receiver does without
		}
	}})
	p.bird = standin.NewBird(standin.BirdOptions{Keep: -1})
	p.toMeta = httptest.NewServer(p.graph)
	p.toAI = httptest.NewServer(p.bird)

	start := func() error { return p.start(ctx, s) }
	if s.around != nil {
		err = s.around(start)
	} else {
		err = start()
	}

	if err != nil {
		return nil, err
	}

	telling, stop := context.WithCancel(context.WithoutCancel(ctx))

	p.stopTelling = stop
	for range tellers {
		p.telling.Go(func() { p.tellStatuses(telling) })
	}

	if err := p.untilReady(ctx); err != nil {
		return nil, err
	}

	return p, nil
}

func (p *place) start(ctx context.Context, s settings) (err error) {
	c := config.Config{
		CloudAPI:   config.CloudAPI{BaseURL: p.toMeta.URL, MessagesPerSecond: numberUpgrade},
		Bird:       config.Bird{BaseURL: p.toAI.URL},
		Processing: config.Processing{TypingIndicator: new(false)},
	}

	secrets := map[string]string{}
	switch s.engine {
	case embedded:
		c.Store.Embedded = &config.EmbeddedStore{Path: p.inbox()}
	case postgresql:
		if p.database, err = pgtest.Start(ctx, pgtest.Options{}); err != nil {
			return err
		}

		user, err := p.database.NewUser()
		if err != nil {
			return err
		}

		p.url = user.URL
		secrets[config.RoleDatabaseURL] = user.URL
		c.Store.PostgreSQL = &config.PostgreSQLStore{}
	}

	receiver, err := child.New(child.Options{
		Binary:  s.binary,
		Dir:     p.dir,
		Config:  c,
		Secrets: secrets,
		Env:     s.env,
		Log: func(line string) {
			p.complaints.Add(1)

			if p.verbose {
				fmt.Fprintln(os.Stderr, line)
			}
		},
	})
	if err != nil {
		return err
	}

	if err := receiver.Start(ctx); err != nil {
		return err
	}

	p.receiver = receiver

	return nil
}

func (p *place) inbox() string { return filepath.Join(p.folder, "inbox.db") }

// address is where deliveries go, host:port.
func (p *place) address() string {
	return strings.TrimSuffix(strings.TrimPrefix(p.receiver.WebhookURL(), "http://"), route)
}

// ready asks whether the receiver takes deliveries, and for what reason it does not.
func (p *place) ready(ctx context.Context) (ready bool, reason string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.receiver.AdminURL()+"/readyz", http.NoBody)
	if err != nil {
		return false, "", err
	}

	request.Close = true

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, "", fmt.Errorf("ask whether the receiver is ready: %w", err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage))

	return response.StatusCode == http.StatusOK, strings.TrimSpace(string(body)), err
}

func (p *place) untilReady(ctx context.Context) error {
	return until(ctx, "the receiver is ready", func() bool { ready, _, err := p.ready(ctx); return err == nil && ready })
}

// untilWorked waits until nothing is pending, as long as something gets done.
func (p *place) untilWorked(ctx context.Context) error {
	least := int64(-1)

	since := time.Now()
	for {
		status, err := p.receiver.Status(ctx)
		if err == nil && status.Backlog != nil {
			if status.Pending == 0 {
				return nil
			}

			if least < 0 || status.Pending < least {
				least = status.Pending
				since = time.Now()
			}
		}

		if time.Since(since) > stuck {
			return fmt.Errorf("%d messages stay pending (%w)", least, errors.Join(err, ctx.Err()))
		}

		if !pause(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// tellStatuses tells that messages were sent, each again and again until that is answered 200.
func (p *place) tellStatuses(ctx context.Context) {
	client := &http.Client{Timeout: askTimeout, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()

	for {
		select {
		case <-ctx.Done():
			return
		case m := <-p.toTell:
			body := standin.StatusDelivery(m.PhoneNumberID, m.ID, "sent", strings.TrimPrefix(m.To, "+"), m.Callback, time.Now())
			for {
				status, _, err := standin.Deliver(ctx, client, p.receiver.WebhookURL(), folder.AppSecret, body)
				if err == nil && status == http.StatusOK || !pause(ctx, redialPause) {
					break
				}
			}
		}
	}
}

// end stops the receiver in good order and holds the ledger against what is in the store.
func (p *place) end(ctx context.Context) (audit, error) {
	p.stopTelling()
	p.telling.Wait()

	stopping, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()

	err := p.receiver.Stop(stopping)
	p.receiver = nil

	if err != nil {
		return audit{}, err
	}

	var inbox store.Store
	if p.database != nil {
		inbox = postgres.Open(func() postgres.Access { return postgres.Access{URL: p.url} }, postgres.Options{})
	} else if inbox, err = sqlite.Open(ctx, p.inbox(), sqlite.Options{}); err != nil {
		return audit{}, err
	}

	found, err := p.ledger.audit(ctx, inbox)

	return found, errors.Join(err, inbox.Close())
}

// leave ends what is still there.
func (p *place) leave() error {
	var errs []error

	if p.stopTelling != nil {
		p.stopTelling()
		p.telling.Wait()
	}

	if p.receiver != nil {
		errs = append(errs, p.receiver.Kill())
	}

	if p.database != nil {
		errs = append(errs, p.database.Close())
	}

	if p.graph != nil {
		p.graph.Close()
	}

	if p.bird != nil {
		p.bird.Close()
	}

	for _, s := range []*httptest.Server{p.toMeta, p.toAI} {
		if s != nil {
			s.CloseClientConnections()
			s.Close()
		}
	}

	return errors.Join(append(errs, os.RemoveAll(p.dir))...)
}

// until waits for a condition that has to come.
func until(ctx context.Context, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, stuck)
	defer cancel()

	for !holds() {
		if !pause(ctx, 10*time.Millisecond) {
			return fmt.Errorf("waited in vain until %s: %w", what, ctx.Err())
		}
	}

	return nil
}
