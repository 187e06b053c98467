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
	idleMemory = 30_000_000 // bytes
	idleFor    = 10 * time.Second
	idleStarts = 5
	startLimit = time.Second
)

// idle measures a receiver without deliveries: the time from its start until it is ready, its memory, processor time and
// writes.
func idle(ctx context.Context, binary string) (_ []figure, err error) {
	var slowest time.Duration
	for range idleStarts - 1 {
		p, took, err := start(ctx, binary)
		if err != nil {
			return nil, err
		}

		slowest = max(slowest, took)

		if err := p.end(); err != nil {
			return nil, err
		}
	}

	p, took, err := start(ctx, binary)
	if err != nil {
		return nil, err
	}

	slowest = max(slowest, took)

	defer func() { err = errors.Join(err, p.end()) }()

	before, err := p.Child.ProcessorTime()
	if err != nil {
		return nil, err
	}

	if err := sleep(ctx, idleFor); err != nil {
		return nil, err
	}

	after, err := p.Child.ProcessorTime()
	if err != nil {
		return nil, err
	}

	memory, err := p.Child.Memory()
	if err != nil {
		return nil, err
	}

	writes, err := idleWrites(ctx, binary)
	if err != nil {
		return nil, err
	}

	return append(idleFigures(slowest, memory.RSS, after-before), writes...), nil
}

func idleFigures(slowest time.Duration, memory int64, spent time.Duration) []figure {
	return []figure{
		{
			name:     fmt.Sprintf("receiver, start to ready, slowest of %d", idleStarts),
			measured: short3(slowest),
			target:   "< " + startLimit.String(),
			ratio:    times(slowest.Seconds() / startLimit.Seconds()),
			verdict:  verdict(slowest < startLimit),
		},
		{
			name:     "  memory, idle",
			measured: fmt.Sprintf("%.1f MB", megabytes(memory)),
			target:   fmt.Sprintf("<= %.0f MB", megabytes(idleMemory)),
			ratio:    times(float64(memory) / idleMemory),
			verdict:  verdict(memory <= idleMemory),
		},
		{
			name:     "  processor time per second, idle",
			measured: short3(spent / time.Duration(idleFor.Seconds())),
		},
	}
}

// start starts a receiver and returns the time until it is ready.
func start(ctx context.Context, binary string) (*people, time.Duration, error) {
	began := time.Now()
	p, err := startPeople(ctx, binary, config.Config{}, nil, 0, 0)

	return p, time.Since(began), err
}
