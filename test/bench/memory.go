// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
)

const (
	memoryLimit = waitingMemory // however many wait, not only 5,000
	// memorySettles is how long the receiver is left alone before it is looked at.
	memorySettles = 5 * time.Second
	mostOpen      = 1_000_000
	// silence of the AI outlasts each measurement.
	silence = 10 * time.Minute
)

// memory measures what the receiver's process holds while more and more people wait for their answer. The AI does not
// answer: as many conversations as may be are in hand, and the others wait in the store.
func memory(ctx context.Context, binary string, open []int) (_ measurement, err error) {
	if len(open) == 0 {
		return measurement{}, errors.New("no number of open conversations is given")
	}

	now := line{name: "when all wait"}
	peak := line{name: "at its largest"}

	var m measurement
	for _, conversations := range open {
		progress("memory: %s open conversations", thousands(conversations))

		held, err := memoryOf(ctx, binary, conversations)
		if err != nil {
			return measurement{}, fmt.Errorf("%d open conversations: %w", conversations, err)
		}

		now.points = append(now.points, point{x: float64(conversations), y: megabytes(held.RSS)})
		peak.points = append(peak.points, point{x: float64(conversations), y: megabytes(held.Peak)})
		m.figures = append(m.figures, figure{
			name:     fmt.Sprintf("memory with %s open conversations, largest", thousands(conversations)),
			measured: fmt.Sprintf("%.0f MB, %.0f MB", megabytes(held.RSS), megabytes(held.Peak)),
			target:   fmt.Sprintf("< %.0f MB", megabytes(memoryLimit)),
			ratio:    times(float64(held.Peak) / memoryLimit),
			verdict:  verdict(held.Peak < memoryLimit),
		})
	}

	m.charts = []chart{{
		file:  "memory",
		title: "Memory of the receiver (resident set)",
		x:     "open conversations",
		y:     "MB",
		lines: []line{now, peak},
	}}

	return m, nil
}

func memoryOf(ctx context.Context, binary string, open int) (_ child.Memory, err error) {
	if open < 1 || open > mostOpen {
		return child.Memory{}, fmt.Errorf("there can be 1 to %d", mostOpen)
	}

	settings := config.Config{
		Bird:     config.Bird{Endpoints: map[string]config.Endpoint{"process_text_message": {Timeout: silence}}},
		Shutdown: config.Shutdown{DrainTimeout: time.Millisecond},
	}

	p, err := startPeople(ctx, binary, settings, nil, open, silence)
	if err != nil {
		return child.Memory{}, err
	}

	defer func() { err = errors.Join(err, p.end()) }()

	address := p.Child.Address()
	if _, err := load(ctx, address, p.write(open, 1), pathConnections); err != nil {
		return child.Memory{}, err
	}

	if err := sleep(ctx, memorySettles); err != nil {
		return child.Memory{}, err
	}

	status, err := p.Child.Status(ctx)
	if err != nil {
		return child.Memory{}, err
	}

	if status.Backlog == nil || status.Pending != int64(open) {
		return child.Memory{}, fmt.Errorf("not all of them wait: %+v", status.Backlog)
	}

	return p.Child.Memory()
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
