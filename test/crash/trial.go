// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// trial is the configuration of one run.
type trial struct {
	embedded        bool // else PostgreSQL
	later           bool // Bird answers by the messages API
	replicas        int
	kills           int           // SIGKILLs, of all replicas together
	stalls          int           // of all replicas together
	outages         int           // of Bird
	span            time.Duration // in which they happen
	seed            uint64
	people          int
	rate            float64 // messages a second, of all people together
	withoutStatuses float64 // share of the sends whose statuses Meta never delivers

	lease, window, longestStall, longestOutage time.Duration

	binary   string
	database string // URL, of PostgreSQL
	dir      string // an existing folder for stores, logs and records
	progress func(line string)
}

func (t *trial) name() string {
	if t.embedded {
		return "embedded"
	}

	return "postgresql"
}

// The random streams of one seed. Each consumer has its own, so that one does not shift the numbers of another.
const (
	ofGraph = iota
	ofBird
	ofStatuses
	ofOutages
	ofLater
	ofReplicas      = 1_000
	ofPeople        = 1_000_000
	ofStatusWorkers = 2_000_000
)

func (t *trial) random(stream int) *rand.Rand {
	return rand.New(rand.NewPCG(t.seed, uint64(stream))) //nolint:gosec // repeatable moments need no secrecy
}

// run lets people write to replicas that are killed, stalled and restarted, waits until the replicas are idle, and checks
// the outcome. An error means that the trial could not be run.
func (t *trial) run(ctx context.Context) (_ *result, err error) {
	began := time.Now()

	s := t.open()
	defer s.close()

	if err := s.makeReplicas(); err != nil {
		return nil, err
	}
	defer func() { // after an early end
		for _, r := range s.meta.fleet {
			if r.running() {
				err = errors.Join(err, r.kill())
			}
		}
	}()

	for _, r := range s.meta.fleet {
		if err := r.start(ctx); err != nil {
			return nil, err
		}
	}

	if err := s.exercise(ctx); err != nil {
		return nil, err
	}

	s.meta.client.CloseIdleConnections() // unused connections would delay the shutdown

	var bad []error
	for _, r := range s.meta.fleet {
		bad = append(bad, r.stop(ctx))
	}

	if err := errors.Join(bad...); err != nil {
		return nil, err
	}

	s.close() // the ledger is complete now

	end, err := t.inspect(ctx, s.ledger)
	if err != nil {
		return nil, err
	}

	verdict := verify(t, s.ledger, end)
	verdict.seconds = time.Since(began).Seconds()

	return verdict, record(t.dir, s.ledger, end, verdict)
}

// store returns the configuration of the store that the replicas share.
func (t *trial) store() config.Store {
	if !t.embedded {
		return config.Store{PostgreSQL: &config.PostgreSQLStore{}}
	}

	return config.Store{Embedded: &config.EmbeddedStore{Path: filepath.Join(t.dir, "inbox.db")}}
}

// secrets gives each replica its own access token, by which Graph knows it.
func (t *trial) secrets(replica string) map[string]string {
	secrets := map[string]string{config.RoleAccessToken: replica}
	if !t.embedded {
		secrets[config.RoleDatabaseURL] = t.database
	}

	return secrets
}
