// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// settleTimeout, in addition to settleWindows ambiguous windows, bounds the wait for idle replicas after the last message and
	// the last incident. A conversation waits for one window after each send of an unknown outcome without statuses.
	settleTimeout = 5 * time.Minute
	settleWindows = 30
	// stillness, in addition to two ambiguous windows, is the time without any change after which the wait ends.
	stillness        = time.Minute
	progressInterval = 10 * time.Second
	// retries are more than usual, so that the injected faults alone do not make a dead letter.
	retries = 8
	// drain bounds the shutdown of a replica. A server waits 5 s for connections that were opened and never used.
	drain = 6 * time.Second
)

// system is the replicas and everything around them.
type system struct {
	*trial
	*rig.StandIns
	ledger *ledger
	meta   *meta
	later  *poster // nil unless Bird answers later
	logs   []*os.File
}

func (t *trial) open() *system {
	l := newLedger()
	s := &system{
		trial:  t,
		ledger: l,
		meta: &meta{
			client:          &http.Client{Timeout: deliveryTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: t.people + statusWorkers, IdleConnTimeout: 5 * time.Second}},
			ledger:          l,
			pending:         make(chan *send, maxStatuses),
			withoutStatuses: t.withoutStatuses,
			rng:             t.random(ofStatuses),
		},
	}

	if t.later {
		s.later = newPoster(l, func() fleet { return s.meta.fleet }, t.random(ofLater))
	}

	s.StandIns = rig.NewStandIns(rig.StandInOptions{
		Graph: standin.GraphOptions{Keep: -1, StatusSink: s.meta.accepted},
		Bird:  standin.BirdOptions{Keep: -1, Reply: birdReply(l, s.later)},
	})
	graphFaults := &injector{rng: t.random(ofGraph), anomalies: graphAnomalies}
	birdFaults := &injector{rng: t.random(ofBird), anomalies: birdAnomalies}

	s.WrapGraph(func(http.Handler) http.Handler { return faultyGraph(s.Graph, graphFaults, l) })
	s.WrapBird(func(http.Handler) http.Handler { return faultyBird(s.Bird, birdFaults, l) })

	return s
}

// close may be called twice.
func (s *system) close() {
	if s.later != nil {
		s.later.close()
	}

	s.meta.client.CloseIdleConnections()
	s.Close()

	for _, log := range s.logs {
		log.Close()
	}
}

func (s *system) makeReplicas() error {
	settings := s.settings()

	for number := 1; number <= s.replicas; number++ {
		if err := s.makeReplica(number, settings); err != nil {
			return err
		}
	}

	return nil
}

// settings returns the configuration of the replicas.
func (s *system) settings() config.Config {
	settings := s.Connect(config.Config{
		CloudAPI: config.CloudAPI{
			MessagesPerSecond: 10_000,
			Timeout:           s.window / 2,
		},
		Bird: config.Bird{
			Endpoints: map[string]config.Endpoint{
				string(assistant.ProcessText):  {Timeout: birdTimeout},
				string(assistant.NotifyStatus): {Timeout: birdTimeout},
			},
			CircuitBreaker: config.CircuitBreaker{OpenDuration: openDuration},
		},
		Webhook: config.Webhook{IngestTimeout: deliveryTimeout},
		Processing: config.Processing{
			Lease:           s.lease,
			AmbiguousWindow: s.window,
			AnswerWithin:    answerWithin,
			TypingIndicator: new(false),

			ConfigurationRetry: configurationRetry,
			Retry: config.Retry{
				MaxRetries: new(retries),
				BaseDelay:  50 * time.Millisecond,
				MaxDelay:   time.Second,
			},
		},
		Store:    s.store(),
		Shutdown: config.Shutdown{DrainTimeout: drain},
	})

	if s.later != nil {
		settings.MessagesAPI = &config.MessagesAPI{Roles: []config.MessagesRole{config.MessagesAssistant}}
	}

	return settings
}

func (s *system) makeReplica(number int, settings config.Config) error {
	name := fmt.Sprint(tokenPrefix, number)

	log, err := os.Create(filepath.Join(s.dir, name+".log"))
	if err != nil {
		return fmt.Errorf("create log of a replica: %w", err)
	}

	s.logs = append(s.logs, log)

	dir := filepath.Join(s.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("create folder of a replica: %w", err)
	}

	running, err := child.New(child.Options{
		Binary:  s.binary,
		Dir:     dir,
		Config:  settings,
		Secrets: s.secrets(name),
		Log: func(line string) {
			fmt.Fprintln(log, line)
			s.ledger.read(number, line)
		},
	})
	if err != nil {
		return err
	}

	s.meta.fleet = append(s.meta.fleet, &replica{
		number: number,
		child:  running,
		ledger: s.ledger,
	})

	return nil
}

// exercise runs senders, incidents and outages, and returns once the replicas are idle or nothing changes any more.
func (s *system) exercise(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)

	var background sync.WaitGroup
	defer background.Wait()
	defer cancel(nil)

	for i := range statusWorkers {
		background.Go(func() { s.meta.deliverStatuses(ctx, s.random(ofStatusWorkers+i)) })
	}

	background.Go(func() { s.reportProgress(ctx) })

	writing, finish := context.WithCancel(ctx)
	defer finish()

	var people, replicas sync.WaitGroup

	every := time.Duration(float64(s.people) / s.rate * float64(time.Second))
	for person := range s.people {
		people.Go(func() { s.meta.write(ctx, writing, s.random(ofPeople+person), person, every) })
	}

	for i, r := range s.meta.fleet {
		kills := share(s.kills, s.replicas, i)
		stalls := share(s.stalls, s.replicas, i)
		incidents := plan(s.random(ofReplicas+i), kills, stalls, kills/8, s.lease, s.longestStall, s.span)
		replicas.Go(func() {
			if err := r.inject(ctx, incidents); err != nil {
				cancel(err)
			}
		})
	}

	if s.outages > 0 {
		outages := planOutages(s.random(ofOutages), s.outages, s.longestOutage, s.span)
		replicas.Go(func() { s.suffer(ctx, outages) })
	}

	replicas.Wait()
	finish()
	people.Wait()

	if err := context.Cause(ctx); err != nil {
		return err
	}

	s.waitIdle(ctx)

	return context.Cause(ctx)
}

// share returns the share of n for the i-th replica.
func share(n, of, i int) int { return n*(i+1)/of - n*i/of }

// waitIdle waits until no work is pending and every status is delivered, or until nothing changes any more. The
// verification reports the events that are pending then.
func (s *system) waitIdle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout+settleWindows*s.window)
	defer cancel()

	last := figures{}

	changed := time.Now()
	for probe.Sleep(ctx, 50*time.Millisecond) && time.Since(changed) < 2*s.window+stillness {
		f := s.ledger.figures()
		if f != last {
			last = f
			changed = time.Now()

			continue
		}

		status, err := s.meta.fleet[0].child.Status(ctx)

		idle := err == nil && status.Backlog != nil && status.Pending+status.PendingStatuses == 0
		if idle && f.owed == 0 && f.delivered == f.expected && f.notified == f.expected {
			return
		}
	}
}

// reportProgress prints a line of figures regularly until ctx ends.
func (s *system) reportProgress(ctx context.Context) {
	began := time.Now()
	for probe.Sleep(ctx, progressInterval) {
		f := s.ledger.figures()
		s.progress(fmt.Sprintf("%4.0f s  %d kills, %d stalls, %d restarts, %d outages; %d messages acknowledged, %d replies sent, %d of %d statuses delivered",
			time.Since(began).Seconds(), f.kills, f.stalls, f.restarts, f.outages, f.acknowledged, f.accepted, f.delivered, f.expected))
	}
}
