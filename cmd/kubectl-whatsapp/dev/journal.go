// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"sync"

	"github.com/jonboulle/clockwork"
)

// maxTraces bounds the traces that a page gets with the state.
const maxTraces = 1000

// journal retains the newest traces and publishes each. It is safe for concurrent use.
type journal struct {
	stream *stream
	clock  clockwork.Clock
	// personOf returns the person of an event, or nothing.
	personOf func(eventID string) string

	mu     sync.Mutex
	seq    int64
	traces []Trace
}

// add completes a trace with its number and the time, and publishes it.
func (j *journal) add(t Trace) {
	j.mu.Lock()
	defer j.mu.Unlock()

	j.seq++
	t.Seq = j.seq

	if t.At.IsZero() {
		t.At = j.clock.Now()
	}

	if t.Level == "" {
		t.Level = LevelInfo
	}

	if t.Person == "" {
		t.Person = j.personOf(t.EventID)
	}

	j.traces = append(j.traces, t)
	if len(j.traces) > maxTraces {
		j.traces[0] = Trace{}
		j.traces = j.traces[1:]
	}

	j.stream.publish(StreamTrace, t)
}

// all returns the retained traces, oldest first.
func (j *journal) all() []Trace {
	j.mu.Lock()
	defer j.mu.Unlock()

	return append([]Trace{}, j.traces...)
}

// clear forgets the traces.
func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()

	j.traces = nil
}
