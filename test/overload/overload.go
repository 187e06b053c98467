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
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
)

// capacityConnections are the numbers of connections with which capacity is measured. With more connections, more
// deliveries share a commit.
var capacityConnections = []int{64, 240}

// overload measures the receiver's capacity and offers a multiple of it. The receiver and its database share one
// processor, so that another stays free for the load; otherwise the offered load would depend on the receiver. GOMAXPROCS
// is two, as in a container with a limit of one.
func overload(ctx context.Context, t trial) (_ []finding, err error) {
	t.around = onOneProcessor
	t.env = []string{"GOMAXPROCS=2"}

	s, err := launch(ctx, t.settings)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, s.close()) }()

	perSecond, findings, err := s.measureCapacity(ctx, t)
	if err != nil {
		return nil, err
	}

	o := &overloaded{offered: int(t.factor * perSecond)}
	if err := s.offer(ctx, t, o); err != nil {
		return nil, err
	}

	if err := s.drain(ctx, o); err != nil {
		return nil, err
	}

	progress("overload: looking up every message that was answered 200")

	found, err := s.finish(ctx)
	if err != nil {
		return nil, err
	}

	return append(append(findings, o.findings(t, found)...), audited(s, found)...), nil
}

// overloaded is what a receiver did under more load than it can take.
type overloaded struct {
	offered   int // deliveries a second
	under     tally
	spent     time.Duration // of the processor
	pending   int64
	drained   time.Duration
	processed int64
	memory    child.Memory
}

// measureCapacity measures how many deliveries a second the receiver acknowledges.
func (s *subject) measureCapacity(ctx context.Context, t trial) (perSecond float64, findings []finding, err error) {
	for _, connections := range capacityConnections {
		progress("overload: capacity over %d connections", connections)

		probing, cancel := context.WithTimeout(ctx, t.probe)
		capacity := s.load(ctx, closedLoop(probing, from(s.ledger.written.Load())), connections, 0)

		cancel()

		if n := capacity.unexplained() + len(capacity.refused); n > 0 || len(capacity.took) == 0 {
			return 0, nil, fmt.Errorf("%d connections got %d acknowledgements and %d other outcomes: the machine is too busy to measure",
				connections, len(capacity.took), n)
		}

		measured := float64(len(capacity.took)) / capacity.elapsed.Seconds()
		perSecond = max(perSecond, measured)
		findings = append(findings, info(fmt.Sprintf("capacity over %d connections, deliveries/s", connections), "%.0f, p99 %s", measured, short(percentile(capacity.took, 0.99))))

		if err := s.Child.WaitProcessed(ctx); err != nil {
			return 0, nil, err
		}
	}

	return perSecond, findings, nil
}

// offer offers deliveries at a rate, whether or not the receiver takes them.
func (s *subject) offer(ctx context.Context, t trial, o *overloaded) error {
	first := s.ledger.written.Load()
	if float64(o.offered)*t.span.Seconds() > float64(maxMessages-first) {
		return fmt.Errorf("%d messages/s for %s are more than %d", o.offered, t.span, maxMessages-first)
	}

	progress("overload: %d/s for %s", o.offered, t.span)

	before, err := s.Child.ProcessorTime()
	if err != nil {
		return err
	}

	arrivals, missed := openLoop(ctx, int(first), o.offered, t.span)
	o.under = s.load(ctx, arrivals, t.connections, 0)
	o.under.missed = *missed

	after, err := s.Child.ProcessorTime()
	o.spent = after - before

	return err
}

// drain waits until the receiver has processed the messages that it took.
func (s *subject) drain(ctx context.Context, o *overloaded) error {
	backlog, err := s.backlog(ctx)
	if err != nil {
		return err
	}

	o.pending = backlog.Pending
	progress("overload: %d messages pending", o.pending)

	began := time.Now()

	if err := s.Child.WaitProcessed(ctx); err != nil {
		return err
	}

	o.drained = time.Since(began)

	if o.processed, err = s.processed(ctx, s.ledger.acknowledged.Load()); err != nil {
		return err
	}

	o.memory, err = s.Child.Memory()

	return err
}

func (o *overloaded) findings(t trial, found audit) []finding {
	under := o.under
	due := int(float64(o.offered) * t.span.Seconds())
	p50 := percentile(under.took, 0.5)
	p99 := percentile(under.took, 0.99)

	return []finding{
		info("offered, deliveries/s", "%d for %s over %d connections", o.offered, t.span, t.connections),
		info("answered 200, deliveries/s", "%.0f (%.0f%%)", float64(len(under.took))/under.elapsed.Seconds(), 100*float64(len(under.took))/float64(due)),
		info("  latency, p50", "%s", short(p50)),
		check("  p99", short(p99), "< "+t.maxLatency.String(), p99 < t.maxLatency),
		info("  p50 and p99 since sent", "%s, %s", short(percentile(under.stored, 0.5)), short(percentile(under.stored, 0.99))),
		info("  largest", "%s", short(slices.Max(append(under.took, 0)))),
		info("answered 503 with Retry-After, deliveries/s", "%.0f (%.0f%%)", float64(len(under.refused))/under.elapsed.Seconds(), 100*float64(len(under.refused))/float64(due)),
		info("  p50 and p99 since sent", "%s, %s", short(percentile(under.refused, 0.5)), short(percentile(under.refused, 0.99))),
		zero("  without Retry-After, and other answers", under.bare+under.other),
		zero("connections closed without an answer", under.reset),
		zero("without an answer within "+answerTimeout.String(), under.silent),
		zero("no connection free for a second", under.missed),
		info("processor share of the receiver", "%.0f%%", 100*o.spent.Seconds()/under.elapsed.Seconds()),
		check("memory of the receiver, peak", fmt.Sprintf("%d MB", o.memory.Peak>>20), fmt.Sprintf("< %d MB", t.memory>>20), o.memory.Peak < t.memory),
		info("messages pending at the end", "%d, processed in %s", o.pending, o.drained.Round(100*time.Millisecond)),
		check("messages processed by the receiver's count", fmt.Sprint(o.processed), fmt.Sprintf(">= %d", found.acknowledged), o.processed >= int64(found.acknowledged)),
	}
}

// backlog returns the receiver's count of pending work.
func (s *subject) backlog(ctx context.Context) (health.Backlog, error) {
	status, err := s.Child.Status(ctx)
	if err == nil && status.Backlog == nil {
		err = errors.New("receiver cannot read its store")
	}

	if err != nil {
		return health.Backlog{}, err
	}

	return *status.Backlog, nil
}

// processed returns the receiver's count of processed messages. It lags the store, so processed waits for the expected
// number.
func (s *subject) processed(ctx context.Context, expected int64) (int64, error) {
	for began := time.Now(); ; {
		status, err := s.Child.Status(ctx)
		if err != nil || status.Metrics.MessagesProcessed >= expected || time.Since(began) > stallTimeout || !probe.Sleep(ctx, redialDelay) {
			return status.Metrics.MessagesProcessed, err
		}
	}
}
