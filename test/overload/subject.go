// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	statusTimeout = time.Minute
	// statusWorkers is how many statuses Meta delivers at a time, and maxStatuses how many may wait.
	statusWorkers = 4
	maxStatuses   = 1 << 14
	// stallTimeout bounds the wait for anything that must happen.
	stallTimeout = 2 * time.Minute
)

// subject is the receiver under load: the real binary between stand-ins for Bird and Meta that answer at once.
type subject struct {
	*rig.Rig
	database    *pgtest.Server // nil with the embedded store
	databaseURL string
	ledger      *ledger
	warnings    atomic.Int64 // warnings and errors in the receiver's log

	statuses     chan standin.SentMessage
	delivering   sync.WaitGroup // of statuses
	stopStatuses context.CancelFunc
}

// settings are the differences between scenarios.
type settings struct {
	binary string
	engine string // embedded or postgresql
	// folder, if set, is the folder of the embedded store.
	folder string
	// statuses makes Meta deliver the status of each answer, by which a receiver learns the outcome of an unconfirmed send.
	statuses bool
	env      []string // added to the environment of the receiver
	// around, if set, runs the function that starts the receiver and its database.
	around  func(start func() error) error
	verbose bool
}

// launch starts everything and returns once the receiver is ready.
func launch(ctx context.Context, o settings) (_ *subject, err error) {
	s := &subject{ledger: newLedger(), statuses: make(chan standin.SentMessage, maxStatuses)}

	s.Rig, err = rig.New(rig.Options{
		Binary: o.binary,
		Env:    o.env,
		Graph: standin.GraphOptions{Keep: -1, StatusSink: func(m standin.SentMessage) {
			s.ledger.answer(m)

			if o.statuses {
				s.queueStatus(m)
			}
		}},
		Bird: standin.BirdOptions{Keep: -1},
		Config: config.Config{
			CloudAPI:   config.CloudAPI{MessagesPerSecond: numberUpgrade},
			Processing: config.Processing{TypingIndicator: new(false)},
		},
		LogLine: func(line string) {
			s.warnings.Add(1)

			if o.verbose {
				fmt.Fprintln(os.Stderr, line)
			}
		},
	})
	if err != nil {
		return nil, err
	}

	if o.folder != "" {
		s.Config.Store.Embedded.Path = filepath.Join(o.folder, "inbox.db")
	}

	start := func() error { return s.start(ctx, o.engine) }
	if o.around != nil {
		err = o.around(start)
	} else {
		err = start()
	}

	if err != nil {
		return nil, errors.Join(err, s.close())
	}

	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopStatuses = stop

	for range statusWorkers {
		s.delivering.Go(func() { s.deliverStatuses(delivering) })
	}

	return s, nil
}

func (s *subject) start(ctx context.Context, engine string) (err error) {
	if engine == postgresql {
		if s.database, err = pgtest.Start(ctx, pgtest.Options{}); err != nil {
			return err
		}

		user, err := s.database.NewUser()
		if err != nil {
			return err
		}

		s.databaseURL = user.URL
		s.Secrets[config.RoleDatabaseURL] = user.URL
		s.Config.Store = config.Store{PostgreSQL: &config.PostgreSQLStore{}}
	}

	return s.Start(ctx)
}

// queueStatus drops the status when too many wait: Meta does not promise any, and a receiver does not depend on them.
func (s *subject) queueStatus(m standin.SentMessage) {
	select {
	case s.statuses <- m:
	default:
	}
}

// deliverStatuses delivers the status "sent" of messages, each until it is answered 200, until ctx ends.
func (s *subject) deliverStatuses(ctx context.Context) {
	client := &http.Client{Timeout: statusTimeout, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()

	url := s.Child.WebhookURL()

	for {
		select {
		case <-ctx.Done():
			return
		case m := <-s.statuses:
			body := standin.StatusDelivery(m.PhoneNumberID, m.ID, "sent", strings.TrimPrefix(m.To, "+"), m.Callback, time.Now())

			for {
				status, _, err := standin.Deliver(ctx, client, url, folder.AppSecret, body)
				if err == nil && status == http.StatusOK || !probe.Sleep(ctx, redialDelay) {
					break
				}
			}
		}
	}
}

// finish stops the receiver in good order and compares the ledger with the store.
func (s *subject) finish(ctx context.Context) (audit, error) {
	s.endStatuses()

	if err := s.Stop(ctx); err != nil {
		return audit{}, err
	}

	inbox, err := rig.OpenStore(ctx, s.Config.Store, s.databaseURL)
	if err != nil {
		return audit{}, err
	}

	found, err := s.ledger.audit(ctx, inbox)

	return found, errors.Join(err, inbox.Close())
}

func (s *subject) endStatuses() {
	if s.stopStatuses != nil {
		s.stopStatuses()
		s.delivering.Wait()
	}
}

// close ends everything that still runs.
func (s *subject) close() error {
	s.endStatuses()

	err := s.Close()
	if s.database != nil {
		err = errors.Join(err, s.database.Close())
	}

	return err
}

func waitFor(ctx context.Context, what string, holds func() bool) error {
	return probe.WaitFor(ctx, stallTimeout, what, holds)
}
