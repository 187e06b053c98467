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
	place     *list.Element // in the idle list; nil while a complete request is handled, and after removal
	idleSince time.Time
	requests  int // that are handled, several with HTTP/2
	complete  int // of them, how many have arrived completely
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

		if !c.begin() {
			w.Header().Set("Retry-After", retryAfter)
			http.Error(w, "too many requests at once", http.StatusServiceUnavailable)

			return
		}

		tracked := &request{conn: c}
		defer tracked.end()

		if r.ContentLength == 0 {
			tracked.markComplete()
		} else {
			// The copy leaves the original body to the server, which checks how much of it was read.
			r = r.WithContext(r.Context())
			r.Body = &body{ReadCloser: r.Body, request: tracked}
		}

		next.ServeHTTP(w, r)
	})
}

// begin counts a request. It reports false if the connection was evicted, or if there are too many requests; then it
// evicts the connection that holds incomplete ones longest.
func (c *conn) begin() bool {
	l := c.listener

	l.mu.Lock()
	defer l.mu.Unlock()

	if c.removed {
		return false
	}

	if l.requests >= l.limit {
		l.evictIncomplete()
		return false
	}

	l.requests++
	c.requests++

	return true
}

// request is a request that is handled.
type request struct {
	conn     *conn
	complete bool // guarded by the listener's lock
}

func (r *request) markComplete() {
	r.conn.listener.mu.Lock()
	defer r.conn.listener.mu.Unlock()

	if r.complete {
		return
	}

	r.complete = true
	r.conn.complete++
	r.conn.listener.removeIdle(r.conn)
}

// end marks the connection idle unless another complete request of it is handled.
func (r *request) end() {
	c := r.conn
	l := c.listener

	l.mu.Lock()
	defer l.mu.Unlock()

	if c.removed {
		return
	}

	l.requests--
	c.requests--

	if r.complete {
		c.complete--
	}

	if c.complete > 0 {
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

// body marks its request complete at the end.
type body struct {
	io.ReadCloser
	request *request
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.request.markComplete()
	}

	return n, err
}
