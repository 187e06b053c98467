// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// net/http waits 500 ms before it closes a connection with an unread body, and Server.Close does not shorten that.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// timeout bounds every wait of a test. It only ends tests that hang.
const timeout = 2 * time.Minute

// fixture is a server with a connection limit. Requests to /hold wait until the test releases them.
type fixture struct {
	t        *testing.T
	listener *listener
	clock    *clockwork.FakeClock
	log      *bytes.Buffer // read it after stop
	held     chan chan struct{}
	stop     func()
}

func newFixture(t *testing.T, limit int) *fixture {
	t.Helper()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	f := &fixture{
		t:    t,
		log:  &bytes.Buffer{},
		held: make(chan chan struct{}),
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)

		if r.URL.Path == "/hold" {
			release := make(chan struct{})
			f.held <- release

			<-release

			// The clock of the test ends the grace period at once, so that a connection can be evicted before the server
			// would have written the answer.
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
	}), Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)

	clock := clockwork.NewFakeClock()
	f.clock = clock
	log := slog.New(slog.NewTextHandler(f.log, nil))
	f.listener = LimitListener(server, l, limit, clock, log).(*listener)

	ctx, cancel := context.WithCancel(context.Background())

	var running sync.WaitGroup

	running.Go(func() {
		if err := server.Serve(f.listener); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve() = %v, want ErrServerClosed", err)
		}
	})
	running.Go(func() { endGrace(ctx, clock) })

	f.stop = sync.OnceFunc(func() {
		_ = server.Close()

		cancel()
		running.Wait()
	})
	t.Cleanup(f.stop)

	return f
}

// endGrace ends the grace period of the oldest idle connection whenever the listener waits for it.
func endGrace(ctx context.Context, clock *clockwork.FakeClock) {
	for clock.BlockUntilContext(ctx, 1) == nil {
		clock.Advance(time.Millisecond)
	}
}

func (f *fixture) dial(text string) *client {
	f.t.Helper()

	c, err := net.Dial("tcp", f.listener.Addr().String())
	if err != nil {
		f.t.Fatal(err)
	}

	f.t.Cleanup(func() { _ = c.Close() })

	_ = c.SetDeadline(time.Now().Add(timeout))
	if _, err := io.WriteString(c, text); err != nil {
		f.t.Fatal(err)
	}

	return &client{Conn: c, reader: bufio.NewReader(c)}
}

type client struct {
	net.Conn
	reader *bufio.Reader
}

// status returns the status of the next response, or 0 if the server closed the connection.
func (c *client) status() int {
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0
	}

	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()

	return response.StatusCode
}

func (f *fixture) counts() (open, idle int) {
	f.listener.mu.Lock()
	defer f.listener.mu.Unlock()

	return f.listener.open, f.listener.idle.Len()
}

func (f *fixture) waitFor(what string, condition func() bool) {
	f.t.Helper()

	ctx, cancel := context.WithTimeout(f.t.Context(), timeout)
	defer cancel()

	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()

	for !condition() {
		select {
		case <-ctx.Done():
			f.t.Fatalf("timed out waiting for: %s", what)
		case <-tick.C:
		}
	}
}

const get = "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"

func TestOldestIdleConnectionIsEvicted(t *testing.T) {
	for name, slow := range map[string]string{
		"nothing sent":  "",
		"half a header": "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"half a body":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
		"half a chunk":  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n12345",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 4)

			var slowClients []*client
			for range 40 {
				slowClients = append(slowClients, f.dial(slow))
			}

			for range 3 {
				if got := f.dial(fmt.Sprintf(get, "")).status(); got != http.StatusOK {
					t.Errorf("a fast client was answered %d, want 200", got)
				}
			}

			if got := slowClients[0].status(); got != 0 {
				t.Errorf("the first slow client was answered %d, want its connection closed", got)
			}

			if open, _ := f.counts(); open > 4 {
				t.Errorf("%d connections are open, want at most 4", open)
			}

			f.stop()

			if !strings.Contains(f.log.String(), "idle connections closed at the connection limit") || strings.Count(f.log.String(), "\n") != 1 {
				t.Errorf("log = %q, want one line", f.log)
			}
		})
	}
}

func TestBusyConnectionIsNotEvicted(t *testing.T) {
	f := newFixture(t, 2)

	const post = "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"

	first := f.dial(post)
	second := f.dial(fmt.Sprintf(get, "hold"))
	releases := []chan struct{}{<-f.held, <-f.held}
	third := f.dial(fmt.Sprintf(get, ""))
	f.waitFor("both requests are handled", func() bool { open, idle := f.counts(); return open == 2 && idle == 0 })
	close(releases[0])
	close(releases[1])

	for i, c := range []*client{first, second, third} {
		if got := c.status(); got != http.StatusOK {
			t.Errorf("client %d was answered %d, want 200", i+1, got)
		}
	}
}

func TestLongestIdleConnectionIsEvictedFirst(t *testing.T) {
	f := newFixture(t, 2)

	used := f.dial(fmt.Sprintf(get, ""))
	if used.status() != http.StatusOK {
		t.Fatal("the first request was not answered")
	}

	idle := f.dial(fmt.Sprintf(get, ""))
	if idle.status() != http.StatusOK {
		t.Fatal("the first request was not answered")
	}

	if _, err := fmt.Fprintf(used, get, ""); err != nil || used.status() != http.StatusOK {
		t.Fatal("the second request was not answered")
	}

	f.waitFor("both are idle", func() bool { _, n := f.counts(); return n == 2 })

	if f.dial(fmt.Sprintf(get, "")).status() != http.StatusOK || idle.status() != 0 {
		t.Error("the connection that was idle longest was not evicted")
	}

	if _, err := fmt.Fprintf(used, get, ""); err != nil || used.status() != http.StatusOK {
		t.Error("the connection that was used last was closed")
	}
}

func TestCloseEndsWaitingAccept(t *testing.T) {
	f := newFixture(t, 1)
	holding := f.dial(fmt.Sprintf(get, "hold"))
	release := <-f.held

	waiting := f.dial(fmt.Sprintf(get, ""))
	go f.stop()

	if got := waiting.status(); got != 0 {
		t.Errorf("answered %d after the end", got)
	}

	close(release)

	_ = holding.status()

	f.stop()
	f.waitFor("all connections have ended", func() bool { open, _ := f.counts(); return open == 0 })
}

// TestLimitListenerUnderTLS checks that the limit applies to the TCP connections under TLS.
func TestLimitListenerUnderTLS(t *testing.T) {
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	certified.Close()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	held := make(chan struct{})
	release := make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(held); <-release })}
	limited := LimitListener(server, l, 1, clockwork.NewFakeClock(), slog.New(slog.DiscardHandler)).(*listener)

	var serving sync.WaitGroup

	serving.Go(func() { _ = server.Serve(tls.NewListener(limited, certified.TLS)) })
	defer serving.Wait()
	defer func() { _ = server.Close() }()

	trusted := x509.NewCertPool()
	trusted.AddCert(certified.Certificate())
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: trusted, ServerName: "example.com"}}

	c, err := dialer.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	fmt.Fprintf(c, get, "")
	<-held

	f := &fixture{t: t, listener: limited}
	if open, idle := f.counts(); open != 1 || idle != 0 {
		t.Errorf("%d open, %d of them idle, want one open and busy", open, idle)
	}

	close(release)

	if got := (&client{Conn: c, reader: bufio.NewReader(c)}).status(); got != http.StatusOK {
		t.Errorf("answered %d, want 200", got)
	}
}
