// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// logBytes bounds what one Log holds: 10,000 calls that each carry an inline image would otherwise fill the machine.
const logBytes = 64 << 20

// Log keeps the newest entries of a stream and counts all of them. It is safe for concurrent use.
type Log[T any] struct {
	limit int
	size  func(T) int

	mu      sync.Mutex
	entries []T
	head    int
	bytes   int
	total   uint64
	dropped uint64
	changed chan struct{}
}

// newLog keeps at most limit entries and 64 MiB by the measure of size; with a limit of 0 or less it only counts.
func newLog[T any](limit int, size func(T) int) *Log[T] {
	return &Log[T]{limit: limit, size: size}
}

func (l *Log[T]) add(entry T) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.total++
	if l.limit > 0 {
		l.entries = append(l.entries, entry)
		l.bytes += l.size(entry)
		l.evict()
	} else {
		l.dropped++
	}

	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// evict moves a head over the oldest entries and closes the gap once half of the slice is gap,
// so that an entry costs the same however long the log is.
func (l *Log[T]) evict() {
	var zero T
	for kept := len(l.entries) - l.head; kept > l.limit || (l.bytes > logBytes && kept > 1); kept-- {
		l.bytes -= l.size(l.entries[l.head])
		l.entries[l.head] = zero
		l.head++
		l.dropped++
	}

	if l.head > len(l.entries)/2 {
		l.entries = slices.Delete(l.entries, 0, l.head)
		l.head = 0
	}
}

// All returns the entries that are still kept, oldest first.
func (l *Log[T]) All() []T {
	l.mu.Lock()
	defer l.mu.Unlock()

	return slices.Clone(l.entries[l.head:])
}

// Total is the number of entries since the start or the last Reset, those no longer kept included.
func (l *Log[T]) Total() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.total
}

// Dropped is the number of entries that were counted and are no longer kept.
func (l *Log[T]) Dropped() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.dropped
}

// Reset forgets every entry and sets the count to 0.
func (l *Log[T]) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.entries = nil
	l.head = 0
	l.bytes = 0
	l.total = 0
	l.dropped = 0
}

// Wait blocks until holds is true of the kept entries, oldest first, or ctx ends.
func (l *Log[T]) Wait(ctx context.Context, holds func([]T) bool) error {
	return l.wait(ctx, func() bool { return holds(l.All()) })
}

// WaitTotal blocks until Total has reached n or ctx ends; unlike Wait it serves a log that only counts.
func (l *Log[T]) WaitTotal(ctx context.Context, n uint64) error {
	return l.wait(ctx, func() bool { return l.Total() >= n })
}

func (l *Log[T]) wait(ctx context.Context, holds func() bool) error {
	for {
		// The channel is taken before the look, so that an entry added in between is not missed.
		changed := l.next()

		if holds() {
			return nil
		}

		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("condition not met after %d entries: %w", l.Total(), context.Cause(ctx))
		}
	}
}

// next returns a channel that is closed when the next entry is added.
func (l *Log[T]) next() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.changed == nil {
		l.changed = make(chan struct{})
	}

	return l.changed
}
