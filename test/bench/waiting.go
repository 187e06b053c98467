// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

const (
	waitingPeople = 5120 // a multiple of each concurrency
	waitingThinks = 2 * time.Second
	waitingRatio  = 0.95
	waitingMemory = 200_000_000 // bytes
)

// slowAI measures which share of the ideal throughput the receiver reaches if every answer of the AI takes two seconds and
// 5,120 people write at once. They write to several numbers, so that Meta's limit of a number does not bound the answers.
func slowAI(ctx context.Context, binary string) ([]figure, error) {
	figures := []figure{{
		name:     "business numbers, and messages/s that each may send",
		measured: fmt.Sprintf("%d, %s", pathNumbers, thousands(numberUpgrade)),
	}}
	for _, concurrency := range []int{256, 1024} {
		progress("waiting: concurrency %d", concurrency)

		more, err := measureWaiting(ctx, binary, concurrency)
		if err != nil {
			return nil, fmt.Errorf("concurrency %d: %w", concurrency, err)
		}

		figures = append(figures, more...)
	}

	return figures, nil
}

// measureWaiting measures one concurrency. Except for it and for Meta's limit of a number, all settings are defaults.
func measureWaiting(ctx context.Context, binary string, concurrency int) (_ []figure, err error) {
	settings := config.Config{
		CloudAPI:   config.CloudAPI{MessagesPerSecond: numberUpgrade},
		Processing: config.Processing{Concurrency: concurrency},
	}

	p, err := startPeople(ctx, binary, settings, nil, waitingPeople, waitingThinks)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, p.end()) }()

	d, err := p.deliver(ctx, p.write(waitingPeople, pathNumbers), pathConnections)
	if err != nil {
		return nil, err
	}

	memory, err := p.Child.Memory()
	if err != nil {
		return nil, err
	}

	ideal := float64(concurrency) / waitingThinks.Seconds()
	perSecond := waitingPeople / d.took.Seconds()
	ratio := perSecond / ideal

	return []figure{
		{
			name: fmt.Sprintf(
				"AI of %s, %s people, concurrency %s, messages/s",
				waitingThinks,
				thousands(waitingPeople),
				thousands(concurrency),
			),
			measured: fmt.Sprintf("%.1f", perSecond),
			target:   fmt.Sprintf(">= %.2f of %.0f", waitingRatio, ideal),
			ratio:    times(ratio),
			verdict:  verdict(ratio >= waitingRatio),
		},
		d.spent.of(waitingPeople, "message"),
		{
			name:     "  memory, peak",
			measured: fmt.Sprintf("%.0f MB", megabytes(memory.Peak)),
			target:   fmt.Sprintf("< %.0f MB", megabytes(waitingMemory)),
			ratio:    times(float64(memory.Peak) / waitingMemory),
			verdict:  verdict(memory.Peak < waitingMemory),
		},
	}, nil
}
