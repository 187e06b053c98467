// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	appSecret    = "bench-app-secret"
	webhookRoute = "/webhooks/whatsapp"
	syncsARound  = 300
)

// discardInbox is the inbox of the base line, which stores nothing.
type discardInbox struct{}

// Ingest implements edge.Ingester.
func (discardInbox) Ingest(_ context.Context, events []store.Event) ([]bool, error) {
	return make([]bool, len(events)), nil
}

// contender is a store that is compared with the base line.
type contender struct {
	name   string
	target float64       // share of the base line's deliveries/s; 0 means none
	p99    time.Duration // target of the 99th percentile; 0 means none
	inbox  store.Store
	loads  []loadResult // by round
}

// ingest measures durable acknowledgements through the edge: HTTP, signature, JSON and each store, which writes every
// delivery to disk before it is answered. The targets apply to the first number of connections.
func ingest(ctx context.Context, connections sizes, rounds, deliveries int) (_ []figure, err error) {
	if len(connections) == 0 || slices.Min(connections) < 1 || rounds < 1 ||
		deliveries < slices.Max(connections) {
		return nil, fmt.Errorf(
			"%d rounds of %d deliveries over %v connections: want at least 1 round and 1 delivery per connection",
			rounds,
			deliveries,
			connections,
		)
	}

	// cmd/receiver sets the same.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1))

	embedded, err := newEmbeddedStores(ctx)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, embedded.close()) }()

	database, err := newPostgreSQLStores(ctx)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, database.close()) }()

	contenders := []*contender{
		{name: embedded.name, target: 0.7, p99: 25 * time.Millisecond},
		{name: database.name, target: 0.5},
	}
	for i, s := range []storeSet{embedded, database} {
		if contenders[i].inbox, err = s.add(ctx); err != nil {
			return nil, err
		}
	}

	var figures []figure
	for i, n := range connections {
		found, err := measureRounds(ctx, contenders, n, i*rounds, rounds, deliveries)
		if err != nil {
			return nil, err
		}

		figures = append(figures, found...)

		for _, c := range contenders {
			if err := c.checkStored(ctx, int64((i+1)*rounds*deliveries)); err != nil {
				return nil, err
			}

			c.target = 0
			c.p99 = 0
			c.loads = nil
		}
	}

	return figures, nil
}

// checkStored returns an error unless the store has all deliveries that were acknowledged.
func (c *contender) checkStored(ctx context.Context, acknowledged int64) error {
	stats, err := c.inbox.Stats(ctx, time.Now())
	if err != nil {
		return err
	}

	if stats.Pending != acknowledged {
		return fmt.Errorf("%s: %d deliveries were acknowledged, but %d are stored", c.name, acknowledged, stats.Pending)
	}

	return nil
}

// measureRounds measures the base line and the contenders in turn. The first round has the number first.
func measureRounds(
	ctx context.Context,
	contenders []*contender,
	connections, first, rounds, deliveries int,
) ([]figure, error) {
	var (
		syncs   []time.Duration
		without []loadResult
	)
	for round := range rounds {
		progress("ingest: %d connections, round %d of %d", connections, round+1, rounds)

		took, err := timeSyncs(syncsARound)
		if err != nil {
			return nil, err
		}

		syncs = append(syncs, took...)
		requests := newRequests(first+round, deliveries)

		l, err := measureEdge(ctx, discardInbox{}, requests, connections)
		if err != nil {
			return nil, fmt.Errorf("without the store: %w", err)
		}

		without = append(without, l)
		for _, c := range contenders {
			if l, err = measureEdge(ctx, c.inbox, requests, connections); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}

			c.loads = append(c.loads, l)
		}
	}

	slices.Sort(syncs)

	figures := baseFigures(connections, deliveries, syncs, median(without))
	for _, c := range contenders {
		figures = append(figures, c.figures(without, syncs[len(syncs)/2], deliveries)...)
	}

	return figures, nil
}

// baseFigures are those of the disk and of the edge without a store.
func baseFigures(connections, deliveries int, syncs []time.Duration, base loadResult) []figure {
	return []figure{
		{
			name:     fmt.Sprintf("%d connections: fsync of 4 KiB, p50", connections),
			measured: short3(syncs[len(syncs)/2]),
			verdict:  baseLine,
		},
		{name: "  p99", measured: short3(syncs[len(syncs)*99/100])},
		{
			name:     "deliveries/s, without the store",
			measured: thousands(int(base.perSecond)),
			verdict:  baseLine,
		},
		{name: "  time to the answer, p50", measured: short3(base.p50)},
		{name: "  time to the answer, p99", measured: short3(base.p99)},
		base.spent.of(deliveries, "delivery"),
	}
}

// figures compares the contender with the base line.
func (c *contender) figures(bases []loadResult, sync time.Duration, deliveries int) []figure {
	durable := median(c.loads)
	ratio := ratioOf(c.loads, bases)

	rate := figure{
		name:     "deliveries/s, durable, " + c.name,
		measured: thousands(int(durable.perSecond)),
		ratio:    times(ratio),
	}
	if c.target > 0 {
		rate.target = fmt.Sprintf(">= %.1f of base", c.target)
		rate.verdict = verdict(ratio >= c.target)
	}

	slowest := figure{name: "  time to the acknowledgement, p99", measured: short3(durable.p99)}
	if c.p99 > 0 {
		slowest.target = "< " + c.p99.String()
		slowest.ratio = times(durable.p99.Seconds() / c.p99.Seconds())
		slowest.verdict = verdict(durable.p99 < c.p99)
	}

	figures := []figure{
		rate,
		{
			name:     "  time to the acknowledgement, p50",
			measured: short3(durable.p50),
			ratio:    fmt.Sprintf("%.1f fsyncs", durable.p50.Seconds()/sync.Seconds()),
		},
		slowest,
		durable.spent.of(deliveries, "delivery"),
	}
	if n := shedIn(c.loads); n > 0 {
		figures = append(
			figures,
			figure{name: "  deliveries answered 503 and repeated", measured: thousands(int(n))},
		)
	}

	return figures
}
