// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package questions shows people at the console port what the receiver asks its AI, while it asks. It keeps nothing, and
// never delays a question.
package questions

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
)

const (
	// maxListeners bounds the listeners of a receiver.
	maxListeners = 4
	// maxQueued bounds the questions that wait for a listener. Further ones are lost for it.
	maxQueued = 64
)

// Errors of Listen.
var (
	ErrTooMany = errors.New("too many listeners: 4 are the most")
	ErrClosed  = errors.New("the receiver is ending")
)

// Feed gives each question to all listeners. The zero value is ready for use, and safe for concurrent use.
type Feed struct {
	count     atomic.Int32 // of listeners
	mu        sync.Mutex
	listeners map[*Listener]bool
	closed    bool
}

// Listener gets questions from the time on when it was made.
type Listener struct {
	feed *Feed
	// Questions are closed when the feed ends.
	Questions <-chan assistant.Asked

	queue chan assistant.Asked
	lost  atomic.Int64
}

// Listen returns a new listener. The caller closes it.
func (f *Feed) Listen() (*Listener, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	switch {
	case f.closed:
		return nil, ErrClosed
	case len(f.listeners) == maxListeners:
		return nil, ErrTooMany
	}

	queue := make(chan assistant.Asked, maxQueued)
	l := &Listener{
		feed:      f,
		Questions: queue,
		queue:     queue,
	}

	if f.listeners == nil {
		f.listeners = map[*Listener]bool{}
	}

	f.listeners[l] = true
	f.count.Add(1)

	return l, nil
}

// Asked gives a question to all listeners. It returns at once: a listener that is slow loses it.
func (f *Feed) Asked(asked assistant.Asked) {
	if f.count.Load() == 0 {
		return
	}

	f.mu.Lock()
	defer f.mu.Unlock()

	for l := range f.listeners {
		select {
		case l.queue <- asked:
		default:
			l.lost.Add(1)
		}
	}
}

// Close ends all listeners.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.closed = true

	for l := range f.listeners {
		f.remove(l)
	}
}

// remove ends a listener, with the lock held.
func (f *Feed) remove(l *Listener) {
	if f.listeners[l] {
		delete(f.listeners, l)
		f.count.Add(-1)
		close(l.queue)
	}
}

// Lost returns how many questions the listener has lost since the last call.
func (l *Listener) Lost() int64 { return l.lost.Swap(0) }

// Close ends the listener.
func (l *Listener) Close() {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()

	l.feed.remove(l)
}
