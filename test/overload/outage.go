// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
)

const (
	outageConnections = 16
	// retryDelay is how long a connection rests after a 503: far less than Retry-After asks for.
	retryDelay = 50 * time.Millisecond
	// steadyDeliveries is how many deliveries are answered 200 before storage fails, and after.
	steadyDeliveries = 200
	// maxRedeliveries is how often a refused message is delivered again.
	maxRedeliveries = 20
)

// failure makes storage fail while the receiver runs, and repairs it.
type failure struct {
	begin, end func(context.Context) error
}

// inject makes storage fail under load, repairs it, and then redelivers every refused message, as Meta does.
func (s *subject) inject(ctx context.Context, f failure, down time.Duration) (_ []finding, err error) {
	var (
		all     tally
		loading sync.WaitGroup
	)

	delivering, stop := context.WithCancel(ctx)
	defer func() { stop(); loading.Wait() }()

	loading.Go(func() { all = s.load(ctx, closedLoop(delivering, from(0)), outageConnections, retryDelay) })

	if err := s.waitAcknowledged(ctx, steadyDeliveries); err != nil {
		return nil, err
	}

	o := &outage{down: down}

	if err := s.failStorage(ctx, f, o); err != nil {
		return nil, err
	}

	if err := s.repairStorage(ctx, f, o); err != nil {
		return nil, err
	}

	stop()
	loading.Wait()

	for round := 0; s.missing() > 0 && round < maxRedeliveries; round++ {
		all.add(s.load(ctx, closedLoop(ctx, s.ledger.unacknowledged()), outageConnections, retryDelay))
	}

	progress("everything is delivered")

	if err := s.Child.WaitProcessed(ctx); err != nil {
		return nil, err
	}

	o.processed = time.Since(o.repaired)

	found, err := s.finish(ctx)
	if err != nil {
		return nil, err
	}

	return append(append(o.findings(),
		info("answered 503 with Retry-After", "%d, p99 %s", len(all.refused), short(percentile(all.refused, 0.99))),
		zero("  without Retry-After, and other answers", all.bare+all.other),
		zero("connections closed without an answer", all.reset),
		zero("without an answer within "+answerTimeout.String(), all.silent),
		zero("messages never accepted", s.missing()),
	), audited(s, found)...), nil
}

// outage is what a receiver did while storage failed, and after the repair.
type outage struct {
	down             time.Duration
	refused, unready time.Duration // since the failure
	reason           string        // why it was not ready
	acknowledged     int64         // while storage was away
	isAlive          bool

	repaired                   time.Time
	accepted, ready, processed time.Duration // since the repair
}

// failStorage makes storage fail, and waits until the receiver refuses deliveries and the outage has lasted long enough.
func (s *subject) failStorage(ctx context.Context, f failure, o *outage) error {
	progress("storage fails")

	failed := time.Now()

	if err := f.begin(ctx); err != nil {
		return err
	}

	if err := waitFor(ctx, "deliveries are refused", func() bool { return s.ledger.refused.Load() > 0 }); err != nil {
		return err
	}

	o.refused = time.Since(failed)

	err := waitFor(ctx, "the receiver is not ready", func() bool {
		ready, why, err := s.Child.Ready(ctx)
		o.reason = why

		return err == nil && !ready
	})
	if err != nil {
		return err
	}

	o.unready = time.Since(failed)
	before := s.ledger.acknowledged.Load()

	probe.Sleep(ctx, o.down)

	o.acknowledged = s.ledger.acknowledged.Load() - before
	o.isAlive = s.Child.Signal(syscall.Signal(0)) == nil

	return nil
}

// repairStorage repairs storage, and waits until the receiver acknowledges deliveries again.
func (s *subject) repairStorage(ctx context.Context, f failure, o *outage) error {
	progress("storage is back")

	o.repaired = time.Now()

	if err := f.end(ctx); err != nil {
		return err
	}

	if err := s.waitAcknowledged(ctx, 1); err != nil {
		return err
	}

	o.accepted = time.Since(o.repaired)

	if err := s.Child.WaitReady(ctx); err != nil {
		return err
	}

	o.ready = time.Since(o.repaired)

	return s.waitAcknowledged(ctx, steadyDeliveries)
}

func (o *outage) findings() []finding {
	return []finding{
		info("first 503 after the failure", "%s", short(o.refused)),
		check("  not ready", short(o.unready), "with a reason", o.reason != ""),
		info("  the reason", "%s", o.reason),
		info("answered 200 in the "+o.down.String()+" after that", "%d", o.acknowledged),
		check("process is alive", strconv.FormatBool(o.isAlive), "true", o.isAlive),
		info("first 200 after the repair", "%s", short(o.accepted)),
		info("  ready", "%s", short(o.ready)),
		info("  all processed", "%s", short(o.processed)),
	}
}

// missing returns how many messages were not answered 200.
func (s *subject) missing() int { return int(s.ledger.written.Load() - s.ledger.acknowledged.Load()) }

// waitAcknowledged waits until a number of further messages is answered 200.
func (s *subject) waitAcknowledged(ctx context.Context, more int64) error {
	want := s.ledger.acknowledged.Load() + more
	return waitFor(ctx, "deliveries are answered 200", func() bool { return s.ledger.acknowledged.Load() >= want })
}

// databaseGone crashes the database and starts it again on the same folder and port.
func databaseGone(ctx context.Context, t trial) (_ []finding, err error) {
	t.statuses = true

	s, err := launch(ctx, t.settings)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, s.close()) }()

	return s.inject(ctx, failure{
		begin: func(context.Context) error { return s.database.Stop() },
		end:   s.database.Run,
	}, t.down)
}
