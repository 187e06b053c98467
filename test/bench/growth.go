// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	growthRatio = 1.5
	// growthBatch is how many deliveries arrive, and how many conversations are claimed, at a time.
	growthBatch = 64
	mostHistory = 10_000_000
)

// growth measures what it costs to store and to claim an event while more and more finished ones are kept, and then with
// a backlog beside the longest history. All stores are open at the same time and take turns.
func growth(ctx context.Context, histories []int, backlog, rounds int) (_ measurement, err error) {
	if len(histories) < 2 || histories[0] != 0 || !slices.IsSorted(histories) || histories[len(histories)-1] > mostHistory {
		return measurement{}, fmt.Errorf("the histories are %v: they have to begin with 0, grow, and end with at most %d", histories, mostHistory)
	}

	if backlog < 0 || rounds < 1 {
		return measurement{}, fmt.Errorf("%d rounds with a backlog of %d: at least 1 round is needed, and no backlog is 0", rounds, backlog)
	}

	m := measurement{charts: []chart{
		{
			file:  "growth-ingest",
			title: fmt.Sprintf("Storing an event, %d deliveries at a time", growthBatch),
			x:     "finished events in the store",
			y:     "µs an event",
		},
		{
			file:  "growth-claim",
			title: "Claiming one conversation",
			x:     "finished events in the store",
			y:     "µs",
		},
		{
			file:  "growth-claim-batch",
			title: fmt.Sprintf("Claiming conversations, %d at a time", growthBatch-1),
			x:     "finished events in the store",
			y:     "µs a conversation",
		},
	}}
	for _, open := range []func(context.Context) (shelf, error){embeddedShelf, databaseShelf} {
		figures, lines, err := growthOf(ctx, open, histories, backlog, rounds)
		if err != nil {
			return measurement{}, err
		}

		m.figures = append(m.figures, figures...)
		for i := range m.charts {
			m.charts[i].lines = append(m.charts[i].lines, lines[i])
		}
	}

	return m, nil
}

// grown is a store with a history, and what was measured of it.
type grown struct {
	store.Store
	name     string
	finished int
	probes   int // events that were measured with
	costs    [len(costNames)][]time.Duration
}

var costNames = [...]string{"storing an event", "claiming one conversation", fmt.Sprintf("claiming %d, each", growthBatch-1)}

func growthOf(ctx context.Context, open func(context.Context) (shelf, error), histories []int, backlog, rounds int) (_ []figure, _ []line, err error) {
	s, err := open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	stores := make([]*grown, len(histories))
	for i, finished := range histories {
		opened, err := s.add(ctx)
		if err != nil {
			return nil, nil, err
		}

		stores[i] = &grown{
			Store:    opened,
			name:     fmt.Sprintf("%s finished events", thousands(finished)),
			finished: finished,
		}
		if err := fillHistory(ctx, s, opened, finished); err != nil {
			return nil, nil, fmt.Errorf("fill the %s store: %w", s.name, err)
		}
	}

	if err := s.settle(ctx); err != nil {
		return nil, nil, err
	}

	progress("growth: %s: %d rounds over %d stores", s.name, rounds, len(stores))

	if err := takeTurns(ctx, stores, rounds); err != nil {
		return nil, nil, err
	}

	lines := make([]line, len(costNames))
	for i := range lines {
		lines[i].name = s.name
		for _, g := range stores {
			lines[i].points = append(lines[i].points, point{x: float64(g.finished), y: float64(g.cost(i).Nanoseconds()) / 1e3})
		}
	}

	figures := compare(s.name, stores)

	empty := stores[0]

	full := stores[len(stores)-1]
	if err := fillBacklog(ctx, s, full, backlog); err != nil {
		return nil, nil, fmt.Errorf("fill the %s store: %w", s.name, err)
	}

	if err := s.settle(ctx); err != nil {
		return nil, nil, err
	}

	full.name = fmt.Sprintf("%s finished, %s pending", thousands(full.finished), thousands(backlog))
	empty.costs = [len(costNames)][]time.Duration{}
	full.costs = [len(costNames)][]time.Duration{}
	progress("growth: %s: %d rounds, an empty store and %s", s.name, rounds, full.name)

	if err := takeTurns(ctx, []*grown{empty, full}, rounds); err != nil {
		return nil, nil, err
	}

	return append(figures, compare(s.name, []*grown{empty, full})...), lines, nil
}

// cost is the median.
func (g *grown) cost(i int) time.Duration {
	sorted := slices.Sorted(slices.Values(g.costs[i]))
	return sorted[len(sorted)/2]
}

// compare makes a line for each cost and store; the first store is the base line of the others.
func compare(engine string, stores []*grown) []figure {
	var figures []figure
	for i, name := range costNames {
		base := stores[0].cost(i)

		figures = append(figures, figure{
			name:     fmt.Sprintf("%s: %s, empty store", engine, name),
			measured: short3(base),
			verdict:  baseLine,
		})
		for _, g := range stores[1:] {
			ratio := g.cost(i).Seconds() / base.Seconds()

			f := figure{
				name:     "  " + g.name,
				measured: short3(g.cost(i)),
				ratio:    times(ratio),
			}
			if i > 0 { // what storing costs has no bound of its own: the ingest part measures it as a whole
				f.target = fmt.Sprintf("<= %.1f times", growthRatio)
				f.verdict = verdict(ratio <= growthRatio)
			}

			figures = append(figures, f)
		}
	}

	return figures
}

// takeTurns measures each store once a round, each round beginning with another one.
func takeTurns(ctx context.Context, stores []*grown, rounds int) error {
	for round := range rounds {
		for i := range stores {
			if err := stores[(round+i)%len(stores)].probe(ctx); err != nil {
				return err
			}
		}
	}

	return nil
}

// probe stores messages of as many people at the same time, claims them before all others, and ends them.
func (g *grown) probe(ctx context.Context) error {
	now := time.Now()

	var arriving errgroup.Group
	for i := range growthBatch {
		g.probes++
		event := textOf(fmt.Sprint("probe ", g.probes), fmt.Sprint("probe ", i), now.Add(-time.Hour))
		arriving.Go(func() error {
			_, err := g.Ingest(ctx, []store.Event{event})
			return err
		})
	}

	if err := arriving.Wait(); err != nil {
		return err
	}

	stored := time.Now()

	one, err := g.Claim(ctx, store.Conversations, now, now.Add(time.Minute), 1)
	if err != nil {
		return err
	}

	claimed := time.Now()

	rest, err := g.Claim(ctx, store.Conversations, now, now.Add(time.Minute), growthBatch-1)
	if err != nil {
		return err
	}

	ended := time.Now()

	if len(one) != 1 || len(rest) != growthBatch-1 {
		return fmt.Errorf("claimed %d and %d conversations, want 1 and %d", len(one), len(rest), growthBatch-1)
	}

	for i, took := range [...]time.Duration{stored.Sub(now) / growthBatch, claimed.Sub(stored), ended.Sub(claimed) / (growthBatch - 1)} {
		g.costs[i] = append(g.costs[i], took)
	}

	return work(ctx, g.Store, append(one, rest...))
}
