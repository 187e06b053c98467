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
	growthRatio = 1.5 // of claiming
	storeRatio  = 1.2 // of storing
	// growthBatch is how many deliveries arrive concurrently, and how many conversations are claimed together.
	growthBatch = 64
	maxHistory  = 10_000_000
)

// growth measures the cost of storing and of claiming an event, for stores with more and more finished events, and then
// with a backlog in addition to the longest history. All stores are open at once and are measured in turn.
func growth(ctx context.Context, histories []int, backlog, rounds int) (_ measurement, err error) {
	valid := len(histories) >= 2 && histories[0] == 0 &&
		slices.IsSorted(histories) && histories[len(histories)-1] <= maxHistory
	if !valid {
		return measurement{}, fmt.Errorf(
			"the histories are %v: they must begin with 0, increase, and end with at most %d",
			histories,
			maxHistory,
		)
	}

	if backlog < 0 || rounds < 1 {
		return measurement{}, fmt.Errorf(
			"%d rounds with a backlog of %d: want at least 1 round and a backlog of at least 0",
			rounds,
			backlog,
		)
	}

	m := measurement{charts: []chart{
		{
			file:  "growth-ingest",
			title: fmt.Sprintf("Storing an event, %d deliveries at a time", growthBatch),
			x:     "finished events in the store",
			y:     "µs per event",
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
			y:     "µs per conversation",
		},
	}}
	for _, open := range []func(context.Context) (storeSet, error){newEmbeddedStores, newPostgreSQLStores} {
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

// measuredStore is a store with a history, and its measured costs.
type measuredStore struct {
	store.Store
	name     string
	finished int
	probes   int // events stored by probe
	costs    [len(costNames)][]time.Duration
}

var costNames = [...]string{
	"storing an event",
	"claiming one conversation",
	fmt.Sprintf("claiming %d, per conversation", growthBatch-1),
}

// growthOf measures the stores of one engine.
func growthOf(
	ctx context.Context,
	open func(context.Context) (storeSet, error),
	histories []int,
	backlog, rounds int,
) (_ []figure, _ []line, err error) {
	s, err := open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	stores, err := openStores(ctx, s, histories)
	if err != nil {
		return nil, nil, err
	}

	progress("growth: %s: %d rounds over %d stores", s.name, rounds, len(stores))

	if err := probeInTurn(ctx, stores, rounds); err != nil {
		return nil, nil, err
	}

	lines := linesOf(s.name, stores)
	figures := compare(s.name, stores)

	empty := stores[0]
	full := stores[len(stores)-1]

	if err := fillBacklog(ctx, s, full, backlog); err != nil {
		return nil, nil, fmt.Errorf("fill the %s store: %w", s.name, err)
	}

	if err := s.maintain(ctx); err != nil {
		return nil, nil, err
	}

	full.name = fmt.Sprintf("%s finished, %s pending", thousands(full.finished), thousands(backlog))
	empty.costs = [len(costNames)][]time.Duration{}
	full.costs = [len(costNames)][]time.Duration{}
	progress("growth: %s: %d rounds, an empty store and %s", s.name, rounds, full.name)

	if err := probeInTurn(ctx, []*measuredStore{empty, full}, rounds); err != nil {
		return nil, nil, err
	}

	return append(figures, compare(s.name, []*measuredStore{empty, full})...), lines, nil
}

// openStores opens a store for each history and fills it.
func openStores(ctx context.Context, s storeSet, histories []int) ([]*measuredStore, error) {
	stores := make([]*measuredStore, len(histories))
	for i, finished := range histories {
		opened, err := s.add(ctx)
		if err != nil {
			return nil, err
		}

		stores[i] = &measuredStore{
			Store:    opened,
			name:     fmt.Sprintf("%s finished events", thousands(finished)),
			finished: finished,
		}
		if err := fillHistory(ctx, s, opened, finished); err != nil {
			return nil, fmt.Errorf("fill the %s store: %w", s.name, err)
		}
	}

	return stores, s.maintain(ctx)
}

// linesOf returns the line of each cost for the charts.
func linesOf(engine string, stores []*measuredStore) []line {
	lines := make([]line, len(costNames))
	for i := range lines {
		lines[i].name = engine
		for _, g := range stores {
			lines[i].points = append(lines[i].points, point{
				x: float64(g.finished),
				y: float64(g.cost(i).Nanoseconds()) / 1e3,
			})
		}
	}

	return lines
}

// cost returns the median of the measured times.
func (s *measuredStore) cost(i int) time.Duration {
	sorted := slices.Sorted(slices.Values(s.costs[i]))
	return sorted[len(sorted)/2]
}

// compare returns a figure for each cost and store. The first store is the base line.
func compare(engine string, stores []*measuredStore) []figure {
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

			limit := growthRatio
			if i == 0 {
				limit = storeRatio
			}

			figures = append(figures, figure{
				name:     "  " + g.name,
				measured: short3(g.cost(i)),
				target:   fmt.Sprintf("<= %.1f times", limit),
				ratio:    times(ratio),
				verdict:  verdict(ratio <= limit),
			})
		}
	}

	return figures
}

// probeInTurn measures each store once per round. Each round begins with another store.
func probeInTurn(ctx context.Context, stores []*measuredStore, rounds int) error {
	for round := range rounds {
		for i := range stores {
			if err := stores[(round+i)%len(stores)].probe(ctx); err != nil {
				return err
			}
		}
	}

	return nil
}

// probe stores growthBatch messages concurrently, each of another person. It claims them, one and then the others, and
// finishes them. Their time of arrival puts them before all other pending events.
func (s *measuredStore) probe(ctx context.Context) error {
	now := time.Now()

	var arriving errgroup.Group
	for i := range growthBatch {
		s.probes++
		event := textOf(fmt.Sprint("probe ", s.probes), fmt.Sprint("probe ", i), now.Add(-time.Hour))
		arriving.Go(func() error {
			_, err := s.Ingest(ctx, []store.Event{event})
			return err
		})
	}

	if err := arriving.Wait(); err != nil {
		return err
	}

	stored := time.Now()

	one, err := s.Claim(ctx, store.Conversations, now, now.Add(time.Minute), 1)
	if err != nil {
		return err
	}

	claimed := time.Now()

	rest, err := s.Claim(ctx, store.Conversations, now, now.Add(time.Minute), growthBatch-1)
	if err != nil {
		return err
	}

	ended := time.Now()

	if len(one) != 1 || len(rest) != growthBatch-1 {
		return fmt.Errorf(
			"claimed %d and %d conversations, want 1 and %d",
			len(one),
			len(rest),
			growthBatch-1,
		)
	}

	for i, took := range [...]time.Duration{
		stored.Sub(now) / growthBatch,
		claimed.Sub(stored),
		ended.Sub(claimed) / (growthBatch - 1),
	} {
		s.costs[i] = append(s.costs[i], took)
	}

	return finishAll(ctx, s.Store, append(one, rest...))
}
