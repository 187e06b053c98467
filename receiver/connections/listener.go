// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package connections limits how many connections an HTTP server has open, and keeps slow clients from blocking others:
// at the limit it evicts the connection that has waited longest for a complete request.
package connections

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

const (
	// warnInterval is the least time between two warnings about evictions, since any client can cause evictions.
	warnInterval = 10 * time.Second
	// grace is how long a connection is safe from eviction after it became idle: on a busy machine its request may have
	// arrived and not been read yet.
	grace = 500 * time.Millisecond
	// retryAfter is the number of seconds after which a client whose request was refused should try again.
	retryAfter = "5"
)

// LimitListener returns a listener over l with at most limit open connections, and as many requests at a time: with
// HTTP/2 a connection may carry several, and requests over the limit are answered 503. It wraps the handler of s, which
// has to serve on the returned listener or on TLS over it.
//
// At the limit a new connection evicts the connection that has been idle longest, which means without a complete request.
// Connections are safe while a request is handled and for half a second after they became idle. While all connections
// are safe, new ones wait, and a connection that finishes a request is closed.
func LimitListener(s *http.Server, l net.Listener, limit int, clock clockwork.Clock, log *slog.Logger) net.Listener {
	limited := &listener{
		Listener: l,
		limit:    limit,
		clock:    clock,
		log:      log,
	}
	limited.freed.L = &limited.mu

	s.Handler = limited.track(s.Handler)
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if secured, ok := c.(*tls.Conn); ok {
			c = secured.NetConn()
		}

		return context.WithValue(ctx, connKey{}, c)
	}

	return limited
}

type listener struct {
	net.Listener
	limit int
	clock clockwork.Clock
	log   *slog.Logger

	mu         sync.Mutex
	freed      sync.Cond // a connection ended or became idle, its grace ended, or the listener closed
	idle       list.List // of *conn without a complete request, longest idle first
	open       int       // idle connections, and those with a request being handled
	requests   int       // that are handled
	waiting    bool      // Accept waits for a connection to end
	closed     bool
	evicted    int // connections since the last warning
	lastWarned time.Time
}

// Accept waits until the connection that it returns is within the limit.
func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}

	c := &conn{Conn: accepted, listener: l}
	if !l.admit(c) {
		return nil, errors.Join(net.ErrClosed, accepted.Close())
	}

	return c, nil
}

// admit waits for capacity, and reports false if the listener was closed meanwhile.
func (l *listener) admit(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.waiting = true
	defer func() { l.waiting = false }()

	for l.open >= l.limit && !l.closed {
		l.evictOrWait()
	}

	if l.closed {
		return false
	}

	l.open++
	c.place = l.idle.PushBack(c)
	c.idleSince = l.clock.Now()

	return true
}

// evictOrWait closes the connection that has been idle longest if its grace is over. Else it waits for a change. The
// caller holds the lock.
func (l *listener) evictOrWait() {
	oldest := l.idle.Front()
	if oldest == nil {
		l.freed.Wait()
		return
	}

	c := oldest.Value.(*conn)
	if left := grace - l.clock.Since(c.idleSince); left > 0 {
		timer := l.clock.AfterFunc(left, l.wake)
		l.freed.Wait()
		timer.Stop()

		return
	}

	l.evict(c)
}

// evictIncomplete closes the connection that holds requests without a complete one longest, if its grace is over. The
// caller holds the lock.
func (l *listener) evictIncomplete() {
	for place := l.idle.Front(); place != nil; place = place.Next() {
		c := place.Value.(*conn)
		if c.requests > 0 && l.clock.Since(c.idleSince) >= grace {
			l.evict(c)
			return
		}
	}
}

// evict closes an idle connection. The caller holds the lock.
func (l *listener) evict(c *conn) {
	l.evicted++
	l.remove(c)
	_ = c.Conn.Close() // no complete request is being handled that could be lost

	if now := l.clock.Now(); l.lastWarned.IsZero() || now.Sub(l.lastWarned) >= warnInterval {
		l.log.Warn("idle connections closed at the connection limit",
			"address", l.Addr().String(), "closed", l.evicted, "limit", l.limit)
		l.lastWarned = now
		l.evicted = 0
	}
}

// wake makes admit check again. admit holds the lock until it waits, so it cannot miss this.
func (l *listener) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.freed.Broadcast()
}

// remove stops counting a connection and its requests, which end with it. The caller holds the lock.
func (l *listener) remove(c *conn) {
	if c.removed {
		return
	}

	c.removed = true
	l.removeIdle(c)

	l.open--
	l.requests -= c.requests
	l.freed.Broadcast()
}

// removeIdle takes a connection off the idle list. The caller holds the lock.
func (l *listener) removeIdle(c *conn) {
	if c.place != nil {
		l.idle.Remove(c.place)
		c.place = nil
	}
}

func (l *listener) hasWaiters() bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.waiting
}

// Close also ends an Accept that waits for capacity.
func (l *listener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.freed.Broadcast()
	l.mu.Unlock()

	return l.Listener.Close()
}
