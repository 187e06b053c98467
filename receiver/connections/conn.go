// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"container/list"
	"io"
	"net"
	"net/http"
	"time"
)

// conn is a connection that counts towards the limit.
type conn struct {
	net.Conn
	listener *listener

	// The fields below are guarded by the listener's lock.
	place     *list.Element // in the idle list; nil while a request is handled, and after removal
	idleSince time.Time
	removed   bool
}

type connKey struct{}

// track marks a connection busy from the arrival of a complete request to the end of its handling.
func (l *listener) track(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(connKey{}).(*conn)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}

		if l.hasWaiters() { // free the connection after this answer
			w.Header().Set("Connection", "close")
		}

		if r.ContentLength == 0 {
			c.markBusy()
		} else {
			// The copy leaves the original body to the server, which checks how much of it was read.
			r = r.WithContext(r.Context())
			r.Body = &body{ReadCloser: r.Body, conn: c}
		}

		defer c.markIdle()

		next.ServeHTTP(w, r)
	})
}

func (c *conn) markBusy() {
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()

	c.listener.removeIdle(c)
}

func (c *conn) markIdle() {
	l := c.listener

	l.mu.Lock()
	defer l.mu.Unlock()

	if c.removed {
		return
	}

	c.idleSince = l.clock.Now()

	if c.place != nil {
		l.idle.MoveToBack(c.place)
		return
	}

	c.place = l.idle.PushBack(c)
	l.freed.Broadcast()
}

// Close is called by the server when the connection ends, whichever side ended it.
func (c *conn) Close() error {
	c.listener.mu.Lock()
	c.listener.remove(c)
	c.listener.mu.Unlock()

	return c.Conn.Close()
}

// CloseWrite lets the server close a connection so that the client still receives the last answer.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}

	return nil
}

// body marks its connection busy once the request is complete.
type body struct {
	io.ReadCloser
	conn *conn
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.conn.markBusy()
	}

	return n, err
}
