// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// windowMinutes is the length of the window that Figures covers.
const windowMinutes = 60

// Figures are the health figures of the last hour.
type Figures struct {
	Since             time.Time // start of the window: up to an hour ago, and not before the process started
	MessagesReceived  int64
	MessagesProcessed int64
	// MessagesFailed are the dead letters of the window. A dead letter that was replayed and then processed does not count.
	MessagesFailed    int64
	AvgProcessingTime time.Duration    // of MessagesProcessed
	ErrorCounts       map[string]int64 // by code, bounded
	LastMessage       time.Time        // zero before the first of this process, whatever its age

	Totals Totals
}

// Totals are counts since the process started.
type Totals struct {
	Since             time.Time
	MessagesReceived  int64
	MessagesProcessed int64
	MessagesFailed    int64 // each time that a message became a dead letter
}

// SuccessRate returns the percentage of the finished messages that were processed. It is 100 if none finished.
func (f Figures) SuccessRate() float64 {
	finished := f.MessagesProcessed + f.MessagesFailed
	if finished == 0 {
		return 100
	}

	return 100 * float64(f.MessagesProcessed) / float64(finished)
}

// Figures returns the figures of the last hour.
func (m *Metrics) Figures() Figures { return m.figures.snapshot() }

// figures counts by the minute, in a ring of one hour.
type figures struct {
	clock clockwork.Clock

	mu     sync.Mutex
	totals Totals
	last   time.Time
	ring   [windowMinutes]minute // by number of the minute, modulo windowMinutes
}

// minute holds the counts of one minute.
type minute struct {
	number    int64 // minutes since 1970
	received  int64
	processed int64
	failed    int64
	took      time.Duration    // sum over processed
	errors    map[string]int64 // its keys are bounded by the set of codes
}

func newFigures(clock clockwork.Clock) *figures {
	return &figures{clock: clock, totals: Totals{Since: clock.Now().UTC()}}
}

func minuteNumber(at time.Time) int64 { return at.Unix() / 60 }

// current returns the counts of this minute. They replace those of an hour ago.
func (f *figures) current() *minute {
	number := minuteNumber(f.clock.Now())

	slot := &f.ring[number%windowMinutes]
	if slot.number != number {
		*slot = minute{number: number}
	}

	return slot
}

// window returns the number of the first minute of the last hour.
func (f *figures) window() int64 { return minuteNumber(f.clock.Now()) - windowMinutes + 1 }

func (f *figures) snapshot() Figures {
	f.mu.Lock()
	defer f.mu.Unlock()

	first := f.window()

	now := Figures{
		Since:       time.Unix(first*60, 0).UTC(),
		ErrorCounts: map[string]int64{},
		LastMessage: f.last,
		Totals:      f.totals,
	}
	if now.Since.Before(f.totals.Since) {
		now.Since = f.totals.Since
	}

	var took time.Duration

	for i := range f.ring {
		slot := &f.ring[i]
		if slot.number < first || slot.number >= first+windowMinutes {
			continue
		}

		now.MessagesReceived += slot.received
		now.MessagesProcessed += slot.processed
		now.MessagesFailed += slot.failed
		took += slot.took

		for code, count := range slot.errors {
			now.ErrorCounts[code] += count
		}
	}

	if now.MessagesProcessed > 0 {
		now.AvgProcessingTime = took / time.Duration(now.MessagesProcessed)
	}

	return now
}

func (f *figures) received(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.totals.MessagesReceived++
	f.current().received++

	if at.After(f.last) {
		f.last = at
	}
}

func (f *figures) processed(took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.totals.MessagesProcessed++

	slot := f.current()
	slot.processed++
	slot.took += took
}

func (f *figures) failed() {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.totals.MessagesFailed++
	f.current().failed++
}

// recovered removes the newest failure of the window.
func (f *figures) recovered() {
	f.mu.Lock()
	defer f.mu.Unlock()

	first := f.window()
	for number := first + windowMinutes - 1; number >= first; number-- {
		if slot := &f.ring[number%windowMinutes]; slot.number == number && slot.failed > 0 {
			slot.failed--

			return
		}
	}
}

func (f *figures) errored(code string) {
	f.mu.Lock()
	defer f.mu.Unlock()

	slot := f.current()
	if slot.errors == nil {
		slot.errors = map[string]int64{}
	}

	slot.errors[code]++
}
