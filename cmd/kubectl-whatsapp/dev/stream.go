// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"encoding/json"
	"sync"
	"time"
)

const (
	// maxStreamEvents and maxStreamBytes bound what a page that reconnects can catch up with.
	maxStreamEvents = 4000
	maxStreamBytes  = 32 << 20
	// maxReaders bounds the pages and programs that follow the stream at the same time.
	maxReaders = 32
)

// streamEvent is one server-sent event.
type streamEvent struct {
	id   int64
	name string
	data []byte
}

// stream retains the newest events, from which each reader reads at its own pace. It is safe for concurrent use.
type stream struct {
	mu      sync.Mutex
	last    int64
	events  []streamEvent
	bytes   int
	changed chan struct{}
	readers int
	closed  bool
}

// newStream returns a stream whose ids differ from those of earlier servers, which a page may still have.
func newStream(now time.Time) *stream {
	return &stream{last: now.UnixMilli(), changed: make(chan struct{})}
}

// publish appends an event.
func (s *stream) publish(name string, data any) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return // only types of this package get here, and all of them can be encoded
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	s.last++
	s.events = append(s.events, streamEvent{
		id:   s.last,
		name: name,
		data: encoded,
	})
	s.bytes += len(encoded)

	for len(s.events) > maxStreamEvents || s.bytes > maxStreamBytes && len(s.events) > 1 {
		s.bytes -= len(s.events[0].data)
		s.events[0] = streamEvent{}
		s.events = s.events[1:]
	}

	s.wakeLocked()
}

func (s *stream) wakeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// lastID returns the id of the newest event.
func (s *stream) lastID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.last
}

// after returns the events after an id, and a channel that is closed when there are more. If events were missed, it returns
// an entry that says so instead.
func (s *stream) after(id int64) (events []streamEvent, more <-chan struct{}, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	first := s.last + 1 - int64(len(s.events))
	if id < first-1 || id > s.last {
		reset := streamEvent{
			id:   s.last,
			name: StreamReset,
			data: []byte("{}"),
		}

		return []streamEvent{reset}, s.changed, s.closed
	}

	return append([]streamEvent(nil), s.events[id-first+1:]...), s.changed, s.closed
}

// join counts a reader. It reports false if there are too many, or the stream was closed.
func (s *stream) join() bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.closed || s.readers >= maxReaders {
		return false
	}

	s.readers++

	return true
}

func (s *stream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.readers--
}

// close ends the stream for its readers, once they have what there is.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()

	if !s.closed {
		s.closed = true
		s.wakeLocked()
	}
}
