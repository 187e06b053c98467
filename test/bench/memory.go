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
	memoryLimit = waitingMemory // for any number of conversations, not only those of the part waiting
	// memoryDelay is the wait between the last delivery and the measurement.
	memoryDelay = 5 * time.Second
	maxOpen     = 1_000_000
	// silence is how long the AI takes to answer, which is longer than each measurement.
	silence = 10 * time.Minute
)

// memory measures the memory of the receiver's process while more and more people wait for their answer. The AI does not
// answer: the receiver processes as many conversations as its concurrency allows, and the others wait in the store.
func memory(ctx context.Context, binary string, open []int) (_ measurement, err error) {
	if len(open) == 0 {
		return measurement{}, errors.New("-open is empty: it needs numbers of open conversations")
	}

	current := line{name: "current"}
	peak := line{name: "peak"}

	var m measurement
	for _, conversations := range open {
		progress("memory: %s open conversations", thousands(conversations))

		used, err := memoryOf(ctx, binary, conversations)
		if err != nil {
			return measurement{}, fmt.Errorf("%d open conversations: %w", conversations, err)
		}

		current.points = append(current.points, point{x: float64(conversations), y: megabytes(used.RSS)})
		peak.points = append(peak.points, point{x: float64(conversations), y: megabytes(used.Peak)})
		m.figures = append(m.figures, figure{
			name: fmt.Sprintf(
				"memory with %s open conversations, current and peak",
				thousands(conversations),
			),
			measured: fmt.Sprintf("%.0f MB, %.0f MB", megabytes(used.RSS), megabytes(used.Peak)),
			target:   fmt.Sprintf("< %.0f MB", megabytes(memoryLimit)),
			ratio:    times(float64(used.Peak) / memoryLimit),
			verdict:  verdict(used.Peak < memoryLimit),
		})
	}

	m.charts = []chart{{
		file:  "memory",
		title: "Memory of the receiver (resident set)",
		x:     "open conversations",
		y:     "MB",
		lines: []line{current, peak},
	}}

	return m, nil
}

// memoryOf measures the memory with a number of open conversations.
func memoryOf(ctx context.Context, binary string, open int) (_ child.Memory, err error) {
	if open < 1 || open > maxOpen {
		return child.Memory{}, fmt.Errorf("the number must be 1 to %d", maxOpen)
	}

	endpoints := map[string]config.Endpoint{"process_text_message": {Timeout: silence}}
	settings := config.Config{
		Bird:     config.Bird{Endpoints: endpoints},
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

	if err := sleep(ctx, memoryDelay); err != nil {
		return child.Memory{}, err
	}

	status, err := p.Child.Status(ctx)
	if err != nil {
		return child.Memory{}, err
	}

	if status.Backlog == nil || status.Pending != int64(open) {
		return child.Memory{}, fmt.Errorf("%d events should be pending: %+v", open, status.Backlog)
	}

	return p.Child.Memory()
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
