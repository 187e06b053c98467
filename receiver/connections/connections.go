// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package connections bounds how many connections an HTTP server has open, and keeps slow clients from shutting out
// others: when there are too many, the one that has been slow for longest makes room.
package connections

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// tellEvery is how often it is told that connections were closed: whoever finds the port can cause any number of it.
const tellEvery = 10 * time.Second

// grace is how long a connection has before it is slow: on a busy machine its request may be there, unread.
const grace = 500 * time.Millisecond

// Bound returns l with at most so many connections for s, which it prepares: s is to serve on what is returned, or on TLS
// over it. A connection with a whole request in hand is never closed, nor is one that has been without for less than
// half a second; while all are such, new connections wait, and those that are answered end.
func Bound(s *http.Server, l net.Listener, most int, log *slog.Logger) net.Listener {
	b := &bound{
		Listener: l,
		most:     most,
		grace:    grace,
		log:      log,
		told:     rate.Sometimes{Interval: tellEvery},
	}
	b.room.L = &b.mu
	s.Handler = b.watch(s.Handler)
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if secured, ok := c.(*tls.Conn); ok {
			c = secured.NetConn()
		}

		return context.WithValue(ctx, guestKey{}, c)
	}

	return b
}

type bound struct {
	net.Listener
	most  int
	grace time.Duration
	log   *slog.Logger

	mu     sync.Mutex
	room   sync.Cond // a guest left or is idle, or the end
	guests list.List // of *guest: those without a request in hand, the one that is so for longest first
	open   int       // guests, and those with a request in hand
	waits  bool      // somebody does, for room
	closed bool
	told   rate.Sometimes
	shut   int // connections closed and not yet told of
}

// guest is a connection.
type guest struct {
	net.Conn
	bound *bound
	place *list.Element // nil with a request in hand, and once it has left
	since time.Time     // when it got that place
	left  bool
}

type guestKey struct{}

// Accept makes room for the connection that it returns.
func (b *bound) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}

	g := &guest{Conn: c, bound: b}
	if !b.admit(g) {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}

	return g, nil
}

func (b *bound) admit(g *guest) bool {
	b.mu.Lock()
	defer b.mu.Unlock()

	b.waits = true
	defer func() { b.waits = false }()

	for b.open >= b.most && !b.closed {
		if slowest := b.guests.Front(); slowest != nil {
			slow := slowest.Value.(*guest)
			if left := b.grace - time.Since(slow.since); left > 0 {
				timer := time.AfterFunc(left, b.look)
				b.room.Wait()
				timer.Stop()

				continue
			}

			b.shut++
			b.leave(slow)
			_ = slow.Conn.Close() // it has nothing in hand that could be lost

			b.told.Do(func() {
				b.log.Warn("connections closed to make room for others", "address", b.Addr().String(), "closed", b.shut, "most", b.most)
				b.shut = 0
			})

			continue
		}

		b.room.Wait()
	}

	if b.closed {
		return false
	}

	b.open++
	g.place = b.guests.PushBack(g)
	g.since = time.Now()

	return true
}

// look has those who wait look again. They hold the lock until they wait, so that they do not miss it.
func (b *bound) look() {
	b.mu.Lock()
	defer b.mu.Unlock()

	b.room.Broadcast()
}

// leave is called with the lock held.
func (b *bound) leave(g *guest) {
	if g.left {
		return
	}

	g.left = true
	if g.place != nil {
		b.guests.Remove(g.place)
		g.place = nil
	}

	b.open--
	b.room.Broadcast()
}

// Close ends Accept too where it waits for room.
func (b *bound) Close() error {
	b.mu.Lock()
	b.closed = true
	b.room.Broadcast()
	b.mu.Unlock()

	return b.Listener.Close()
}

// watch keeps a connection from the arrival of a whole request to the end of its handling.
func (b *bound) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g, ok := r.Context().Value(guestKey{}).(*guest)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}

		if b.sought() { // whoever has been answered makes room for those who wait
			w.Header().Set("Connection", "close")
		}

		if r.ContentLength == 0 {
			g.busy()
		} else {
			// Of a copy: the server looks at the request's own body to see how much of it was left.
			r = r.WithContext(r.Context())
			r.Body = &body{ReadCloser: r.Body, guest: g}
		}

		defer g.idle()

		next.ServeHTTP(w, r)
	})
}

func (b *bound) sought() bool {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.waits
}

func (g *guest) busy() {
	g.bound.mu.Lock()
	defer g.bound.mu.Unlock()

	if g.place != nil {
		g.bound.guests.Remove(g.place)
		g.place = nil
	}
}

func (g *guest) idle() {
	g.bound.mu.Lock()
	defer g.bound.mu.Unlock()

	if g.left {
		return
	}

	g.since = time.Now()
	if g.place != nil {
		g.bound.guests.MoveToBack(g.place)
		return
	}

	g.place = g.bound.guests.PushBack(g)
	g.bound.room.Broadcast()
}

// Close is called by the server when the connection ends, whoever ended it.
func (g *guest) Close() error {
	g.bound.mu.Lock()
	g.bound.leave(g)
	g.bound.mu.Unlock()

	return g.Conn.Close()
}

// CloseWrite lets the server end a connection so that the client still gets the last answer.
func (g *guest) CloseWrite() error {
	if half, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}

	return nil
}

// body tells when a request is whole.
type body struct {
	io.ReadCloser
	guest *guest
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.guest.busy()
	}

	return n, err
}
