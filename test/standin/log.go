// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// logBytes bounds the size of one Log: 10,000 calls with an inline image each would exhaust the memory.
const logBytes = 64 << 20

// Log retains the newest entries of a stream and counts all of them. It is safe for concurrent use.
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

// newLog returns a Log that retains at most limit entries and 64 MiB, as measured by size. If limit is 0 or less, the
// Log only counts.
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

// evict moves head past the oldest entries and compacts the slice once half of it is unused,
// so that adding an entry takes amortized constant time.
func (l *Log[T]) evict() {
	var zero T
	for n := len(l.entries) - l.head; n > l.limit || (l.bytes > logBytes && n > 1); n-- {
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

// All returns the retained entries, oldest first.
func (l *Log[T]) All() []T {
	l.mu.Lock()
	defer l.mu.Unlock()

	return slices.Clone(l.entries[l.head:])
}

// Total returns the number of entries since the start or the last Reset, including the dropped ones.
func (l *Log[T]) Total() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.total
}

// Dropped returns the number of entries that were counted and are not retained.
func (l *Log[T]) Dropped() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.dropped
}

// Reset removes every entry and sets the counts to 0.
func (l *Log[T]) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.entries = nil
	l.head = 0
	l.bytes = 0
	l.total = 0
	l.dropped = 0
}

// Wait blocks until condition returns true for the retained entries, oldest first, or ctx ends.
func (l *Log[T]) Wait(ctx context.Context, condition func([]T) bool) error {
	return l.wait(ctx, func() bool { return condition(l.All()) })
}

// WaitTotal blocks until Total reaches n or ctx ends. Unlike Wait it also works on a log that only counts.
func (l *Log[T]) WaitTotal(ctx context.Context, n uint64) error {
	return l.wait(ctx, func() bool { return l.Total() >= n })
}

func (l *Log[T]) wait(ctx context.Context, condition func() bool) error {
	for {
		// Get the channel before evaluating the condition: an entry added in between closes it.
		changed := l.next()

		if condition() {
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
