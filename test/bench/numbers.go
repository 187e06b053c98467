// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

const (
	manyNumbers = 1000
	manyPeople  = 5000 // senders, in turn
	manyLasts   = time.Minute
	manyThinks  = 500 * time.Millisecond // per request to the AI
	manyWait    = 100 * time.Millisecond // target of the time to the answer on top of the AI's, p99

	// At the lower rate, one more number gets twice as many messages as Meta allows it to answer, for a while.
	numberRate    = 80 // messages/s
	floodRate     = 2 * numberRate
	floodMessages = 10 * floodRate
	floodPeople   = 400
	floodBegin    = 20 * time.Second

	statuses = 3 // per answer: sent, delivered, read
)

// traffic is what people write to the thousand numbers, and the target of its cost.
type traffic struct {
	rate        int // messages/s, to all numbers together
	concurrency int // of the receiver; 0 is the default
	flood       int // messages to one more number
	turn        time.Duration
}

// numbers measures a minute of each rate, in which people write to a thousand business numbers of one receiver. The base line
// is a program that makes the same calls and does nothing else.
func numbers(ctx context.Context, binary string) ([]figure, error) {
	relay, err := installRelay(ctx, filepath.Dir(binary))
	if err != nil {
		return nil, err
	}

	var figures []figure

	for _, t := range []traffic{
		{
			rate:  200,
			flood: floodMessages,
			turn:  1500 * time.Microsecond,
		},
		{
			rate:        500,
			concurrency: 512, // 250 conversations wait for the AI at a time: the default of 256 leaves no room for a peak
			turn:        time.Millisecond,
		},
	} {
		base, err := t.measureRelay(ctx, relay)
		if err != nil {
			return nil, fmt.Errorf("%d messages/s, relay: %w", t.rate, err)
		}

		found, err := t.measure(ctx, binary)
		if err != nil {
			return nil, fmt.Errorf("%d messages/s: %w", t.rate, err)
		}

		figures = append(figures, append(found, base)...)
	}

	return figures, nil
}

// measure measures a minute. All settings but the concurrency are defaults: read receipt, typing indicator, and the
// statuses of each answer, which the AI gets too.
func (t traffic) measure(ctx context.Context, binary string) (_ []figure, err error) {
	progress("numbers: a minute with %s numbers and %d messages/s", thousands(manyNumbers), t.rate)

	settings := config.Config{Processing: config.Processing{Concurrency: t.concurrency}}
	steady := t.rate * int(manyLasts.Seconds())

	p, err := newPeople(binary, settings, nil, steady+t.flood, manyThinks)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, p.end()) }()

	m := newMinute(p, t, steady)

	if err := p.Start(ctx); err != nil {
		return nil, err
	}

	before, err := m.Child.ProcessorTime()
	if err != nil {
		return nil, err
	}

	if err := m.deliver(ctx, m.Child.Address()); err != nil {
		return nil, err
	}

	if err := m.waitAnswered(ctx); err != nil {
		return nil, err
	}

	return m.figures(before)
}

// figures returns the figures of the thousand numbers and of the flooded number.
func (m *minute) figures(before time.Duration) ([]figure, error) {
	after, err := m.Child.ProcessorTime()
	if err != nil {
		return nil, err
	}

	memory, err := m.Child.Memory()
	if err != nil {
		return nil, err
	}

	var (
		waited []time.Duration
		flood  []time.Time
	)
	for message, at := range m.answeredAt {
		if m.flooded(message) {
			flood = append(flood, at)
		} else {
			waited = append(waited, at.Sub(m.due[message]))
		}
	}

	slices.Sort(waited)
	slices.SortFunc(flood, time.Time.Compare)

	p99 := waited[len(waited)*99/100]
	limit := manyThinks + manyWait
	turn := ((after - before) / time.Duration(len(m.answers))).Round(time.Microsecond)

	figures := []figure{
		{
			name: fmt.Sprintf(
				"%s numbers, %d messages/s, AI of %s: time to the answer, p99",
				thousands(manyNumbers),
				m.rate,
				manyThinks,
			),
			measured: short3(p99),
			target:   "<= " + limit.String(),
			ratio:    times(p99.Seconds() / limit.Seconds()),
			verdict:  verdict(p99 <= limit),
		},
		{name: "  p50", measured: short3(waited[len(waited)/2])},
		{
			name:     "  processor time of the receiver per message with its three statuses",
			measured: turn.String(),
			target:   "<= " + m.turn.String(),
			ratio:    times(turn.Seconds() / m.turn.Seconds()),
			verdict:  verdict(turn <= m.turn),
		},
		{name: "  memory, peak", measured: fmt.Sprintf("%.0f MB", megabytes(memory.Peak))},
	}
	if len(flood) > 1 {
		figures = append(figures, floodFigure(flood))
	}

	return figures, nil
}

// floodFigure returns the rate of the answers of the flooded number, given their times in order.
func floodFigure(answers []time.Time) figure {
	sent := float64(len(answers)-1) / answers[len(answers)-1].Sub(answers[0]).Seconds()

	return figure{
		name: fmt.Sprintf(
			"  one flooded number, %d messages/s for %d s: its answers/s",
			floodRate,
			floodMessages/floodRate,
		),
		measured: fmt.Sprintf("%.1f", sent),
		target:   fmt.Sprintf("<= %d", numberRate),
		ratio:    times(sent / numberRate),
		verdict:  verdict(sent <= numberRate+1),
	}
}
