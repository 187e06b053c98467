// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"
	"sync"
	"time"
)

// maxTimes is the number of processing times that the average covers.
const maxTimes = 1000

// Figures are the health figures since the process started.
type Figures struct {
	MessagesReceived  int64
	MessagesProcessed int64
	MessagesFailed    int64 // dead letters
	AvgProcessingTime time.Duration
	ErrorCounts       map[string]int64 // by code, bounded
	LastMessage       time.Time        // zero before the first
}

// SuccessRate returns the percentage of finished messages that were processed, not dead-lettered. It is 100 before the
// first message finishes.
func (f Figures) SuccessRate() float64 {
	finished := f.MessagesProcessed + f.MessagesFailed
	if finished == 0 {
		return 100
	}

	return 100 * float64(f.MessagesProcessed) / float64(finished)
}

// Figures returns a snapshot of the figures.
func (m *Metrics) Figures() Figures {
	f := &m.figures
	f.mu.Lock()
	defer f.mu.Unlock()

	now := f.sums

	now.ErrorCounts = maps.Clone(f.sums.ErrorCounts)
	if len(f.times) > 0 {
		now.AvgProcessingTime = f.total / time.Duration(len(f.times))
	}

	return now
}

type figures struct {
	mu    sync.Mutex
	sums  Figures
	times []time.Duration // ring buffer of the newest
	next  int
	total time.Duration // of times
}

func (f *figures) received(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.sums.MessagesReceived++
	if at.After(f.sums.LastMessage) {
		f.sums.LastMessage = at
	}
}

func (f *figures) processed(took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.sums.MessagesProcessed++

	f.total += took
	if len(f.times) < maxTimes {
		f.times = append(f.times, took)
		return
	}

	f.total -= f.times[f.next]
	f.times[f.next] = took
	f.next = (f.next + 1) % maxTimes
}

func (f *figures) failed() {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.sums.MessagesFailed++
}

func (f *figures) errored(code string) {
	f.mu.Lock()
	defer f.mu.Unlock()

	if f.sums.ErrorCounts == nil {
		f.sums.ErrorCounts = map[string]int64{}
	}

	f.sums.ErrorCounts[code]++
}
