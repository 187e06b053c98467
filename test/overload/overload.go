// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// capacityConnections are how many deliver one after another when capacity is measured: the more, the more deliveries
// share a commit.
var capacityConnections = []int{64, 240}

// overload finds out what the receiver can take, and offers it a multiple of that. The receiver, and its database, have
// one processor, so that another one is left for the load: on fewer than two what is offered would depend on what is
// taken. Go counts it as two, as it does in a container with a limit of one.
func overload(ctx context.Context, t trial) (_ []finding, err error) {
	t.around = onOneProcessor
	t.env = []string{"GOMAXPROCS=2"}

	p, err := settle(ctx, t.settings)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, p.leave()) }()

	perSecond := 0.0

	var findings []finding
	for _, connections := range capacityConnections {
		progress("overload: capacity over %d connections", connections)

		probing, cancel := context.WithTimeout(ctx, t.probe)
		capacity := p.load(ctx, closedLoop(probing, from(p.ledger.written.Load())), connections, 0)

		cancel()

		if n := capacity.unexplained() + len(capacity.refused); n > 0 || len(capacity.took) == 0 {
			return nil, fmt.Errorf("%d connections that wait for their answers got %d, and otherwise %d: the machine is too busy for any measurement",
				connections, len(capacity.took), n)
		}

		measured := float64(len(capacity.took)) / capacity.elapsed.Seconds()
		perSecond = max(perSecond, measured)
		findings = append(findings, told(fmt.Sprintf("capacity over %d connections, deliveries/s", connections), "%.0f, p99 %s", measured, short(percentile(capacity.took, 0.99))))

		if err := p.untilWorked(ctx); err != nil {
			return nil, err
		}
	}

	offered := int(t.factor * perSecond)

	first := p.ledger.written.Load()
	if float64(offered)*t.span.Seconds() > float64(maxMessages-first) {
		return nil, fmt.Errorf("%d messages/s for %s are more than %d", offered, t.span, maxMessages-first)
	}

	progress("overload: %d/s for %s", offered, t.span)

	before, err := p.receiver.ProcessorTime()
	if err != nil {
		return nil, err
	}

	arrivals, missed := openLoop(ctx, int(first), offered, t.span)
	under := p.load(ctx, arrivals, t.connections, 0)
	under.missed = *missed

	after, err := p.receiver.ProcessorTime()
	if err != nil {
		return nil, err
	}

	backlog, err := p.backlog(ctx)
	if err != nil {
		return nil, err
	}

	progress("overload: %d messages wait", backlog.Pending)

	began := time.Now()

	if err := p.untilWorked(ctx); err != nil {
		return nil, err
	}

	worked := time.Since(began)

	processed, err := p.processed(ctx, p.ledger.acknowledged.Load())
	if err != nil {
		return nil, err
	}

	memory, err := p.receiver.Memory()
	if err != nil {
		return nil, err
	}

	progress("overload: looks up every message that was answered 200")

	found, err := p.end(ctx)
	if err != nil {
		return nil, err
	}

	due := int(float64(offered) * t.span.Seconds())
	p50 := percentile(under.took, 0.5)
	p99 := percentile(under.took, 0.99)
	findings = append(findings,
		told("offered, deliveries/s", "%d for %s over %d connections", offered, t.span, t.connections),
		told("answered 200, deliveries/s", "%.0f (%.0f%%)", float64(len(under.took))/under.elapsed.Seconds(), 100*float64(len(under.took))/float64(due)),
		told("  time to it, p50", "%s", short(p50)),
		held("  p99", short(p99), "< "+t.maxLatency.String(), p99 < t.maxLatency),
		told("  p50 and p99 from when it was sent", "%s, %s", short(percentile(under.stored, 0.5)), short(percentile(under.stored, 0.99))),
		told("  largest", "%s", short(slices.Max(append(under.took, 0)))),
		told("answered 503 with Retry-After, deliveries/s", "%.0f (%.0f%%)", float64(len(under.refused))/under.elapsed.Seconds(), 100*float64(len(under.refused))/float64(due)),
		told("  p50 and p99 from when it was sent", "%s, %s", short(percentile(under.refused, 0.5)), short(percentile(under.refused, 0.99))),
		none("  without Retry-After, and other answers", under.bare+under.other),
		none("connections ended without an answer", under.reset),
		none("no answer within "+answerTimeout.String(), under.silent),
		none("no connection free for a second", under.missed),
		told("the receiver's share of a processor", "%.0f%%", 100*(after-before).Seconds()/under.elapsed.Seconds()),
		held("memory of the receiver, largest", fmt.Sprintf("%d MB", memory.Peak>>20), fmt.Sprintf("< %d MB", t.memory>>20), memory.Peak < t.memory),
		told("messages that waited at the end", "%d, worked in %s", backlog.Pending, worked.Round(100*time.Millisecond)),
		held("messages that the receiver says it worked", fmt.Sprint(processed), fmt.Sprintf(">= %d", found.acknowledged), processed >= int64(found.acknowledged)),
	)

	return append(findings, audited(p, found)...), nil
}

// backlog is what waits in the store.
func (p *place) backlog(ctx context.Context) (health.Backlog, error) {
	status, err := p.receiver.Status(ctx)
	if err == nil && status.Backlog == nil {
		err = errors.New("the receiver cannot read its store")
	}

	if err != nil {
		return health.Backlog{}, err
	}

	return *status.Backlog, nil
}

// processed is how many messages the receiver says it worked: it counts each a moment after the store has it.
func (p *place) processed(ctx context.Context, expected int64) (int64, error) {
	for began := time.Now(); ; {
		status, err := p.receiver.Status(ctx)
		if err != nil || status.Metrics.MessagesProcessed >= expected || time.Since(began) > askTimeout || !pause(ctx, redialPause) {
			return status.Metrics.MessagesProcessed, err
		}
	}
}
