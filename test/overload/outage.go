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
)

const (
	outageConnections = 16
	// comeAgain is how long a connection rests that was told to come again later: far shorter than it was told.
	comeAgain = 50 * time.Millisecond
	// calm is how many deliveries are answered 200 before storage fails, and after.
	calm = 200
	// rounds is how often everything that was refused is delivered again.
	rounds = 20
)

// failure is a way in which storage fails, and comes back, while the receiver runs.
type failure struct {
	strike, heal func(context.Context) error
}

// suffer has the receiver go through a failure under load, and then delivers again what it refused, as Meta does.
func (p *place) suffer(ctx context.Context, f failure, down time.Duration) (_ []finding, err error) {
	var (
		all     tally
		loading sync.WaitGroup
	)

	delivering, stop := context.WithCancel(ctx)
	defer func() { stop(); loading.Wait() }()

	loading.Go(func() { all = p.load(ctx, closedLoop(delivering, from(0)), outageConnections, comeAgain) })

	if err := p.untilTaken(ctx, calm); err != nil {
		return nil, err
	}

	progress("storage fails")

	struck := time.Now()

	if err := f.strike(ctx); err != nil {
		return nil, err
	}

	if err := until(ctx, "deliveries are refused", func() bool { return p.ledger.refused.Load() > 0 }); err != nil {
		return nil, err
	}

	refusedAfter := time.Since(struck)

	var reason string

	err = until(ctx, "the receiver is not ready", func() bool {
		ready, why, err := p.ready(ctx)
		reason = why

		return err == nil && !ready
	})
	if err != nil {
		return nil, err
	}

	unreadyAfter := time.Since(struck)
	before := p.ledger.acknowledged.Load()

	pause(ctx, down)

	meanwhile := p.ledger.acknowledged.Load() - before
	alive := p.receiver.Signal(syscall.Signal(0)) == nil

	progress("storage is back")

	healed := time.Now()

	if err := f.heal(ctx); err != nil {
		return nil, err
	}

	if err := p.untilTaken(ctx, 1); err != nil {
		return nil, err
	}

	tookAfter := time.Since(healed)

	if err := p.untilReady(ctx); err != nil {
		return nil, err
	}

	readyAfter := time.Since(healed)

	if err := p.untilTaken(ctx, calm); err != nil {
		return nil, err
	}

	stop()
	loading.Wait()

	left := func() int { return int(p.ledger.written.Load() - p.ledger.acknowledged.Load()) }
	for round := 0; left() > 0 && round < rounds; round++ {
		all.add(p.load(ctx, closedLoop(ctx, p.ledger.untaken()), outageConnections, comeAgain))
	}

	progress("everything is delivered")

	if err := p.untilWorked(ctx); err != nil {
		return nil, err
	}

	worked := time.Since(healed)

	found, err := p.end(ctx)
	if err != nil {
		return nil, err
	}

	return append([]finding{
		told("first 503 after it failed", "%s", short(refusedAfter)),
		held("  not ready", short(unreadyAfter), "with a reason", reason != ""),
		told("  the reason", "%s", reason),
		told("answered 200 in the "+down.String()+" after that", "%d", meanwhile),
		held("the process lives", strconv.FormatBool(alive), "true", alive),
		told("first 200 after it was back", "%s", short(tookAfter)),
		told("  ready", "%s", short(readyAfter)),
		told("  all worked", "%s", short(worked)),
		told("answered 503 with Retry-After", "%d, p99 %s", len(all.refused), short(percentile(all.refused, 0.99))),
		none("  without Retry-After, and other answers", all.bare+all.other),
		none("connections ended without an answer", all.reset),
		none("no answer within "+answerTimeout.String(), all.silent),
		none("messages that were refused again and again", left()),
	}, audited(p, found)...), nil
}

// untilTaken waits until so many more messages are answered 200.
func (p *place) untilTaken(ctx context.Context, more int64) error {
	want := p.ledger.acknowledged.Load() + more
	return until(ctx, "deliveries are answered 200", func() bool { return p.ledger.acknowledged.Load() >= want })
}

// databaseGone stops the database as a crash does, and starts it again on the same folder and port.
func databaseGone(ctx context.Context, t trial) (_ []finding, err error) {
	t.statuses = true

	p, err := settle(ctx, t.settings)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, p.leave()) }()

	return p.suffer(ctx, failure{
		strike: func(context.Context) error { return p.database.Stop() },
		heal:   p.database.Run,
	}, t.down)
}
