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

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second // for what must happen

// stage is a server of most connections whose requests to /hold wait until the test lets them go.
type stage struct {
	t     *testing.T
	bound *bound
	log   *bytes.Buffer // to be read once ended
	held  chan chan struct{}
	end   func()
}

func newStage(t *testing.T, most int) *stage {
	t.Helper()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	s := &stage{
		t:    t,
		log:  &bytes.Buffer{},
		held: make(chan chan struct{}),
	}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/hold" {
			release := make(chan struct{})
			s.held <- release

			<-release
		}
	})}
	s.bound = Bound(server, l, most, slog.New(slog.NewTextHandler(s.log, nil))).(*bound)
	s.bound.grace = 10 * time.Millisecond

	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(s.bound); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve() = %v, want an end in good order", err)
		}
	})

	s.end = sync.OnceFunc(func() { _ = server.Close(); serving.Wait() })
	t.Cleanup(s.end)

	return s
}

func (s *stage) dial(text string) *client {
	s.t.Helper()

	c, err := net.Dial("tcp", s.bound.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}

	s.t.Cleanup(func() { _ = c.Close() })

	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}

	return &client{Conn: c, reader: bufio.NewReader(c)}
}

type client struct {
	net.Conn
	reader *bufio.Reader
}

// answer is the status of the next answer; 0 says that the server closed the connection.
func (c *client) answer() int {
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0
	}

	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()

	return response.StatusCode
}

func (s *stage) state() (open, idle int) {
	s.bound.mu.Lock()
	defer s.bound.mu.Unlock()

	return s.bound.open, s.bound.guests.Len()
}

func (s *stage) until(what string, holds func() bool) {
	s.t.Helper()

	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()

	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()

	for !holds() {
		select {
		case <-ctx.Done():
			s.t.Fatalf("waited in vain for: %s", what)
		case <-tick.C:
		}
	}
}

const get = "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"

func TestTheSlowestMakesRoom(t *testing.T) {
	for name, slow := range map[string]string{
		"nothing sent":  "",
		"half a header": "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"half a body":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
		"half a chunk":  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n12345",
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, 4)

			var slowOnes []*client
			for range 40 {
				slowOnes = append(slowOnes, s.dial(slow))
			}

			for range 3 {
				if got := s.dial(fmt.Sprintf(get, "")).answer(); got != http.StatusOK {
					t.Errorf("an honest client was answered %d, want 200", got)
				}
			}

			if got := slowOnes[0].answer(); got != 0 {
				t.Errorf("the first slow client was answered %d, want its connection closed", got)
			}

			if open, _ := s.state(); open > 4 {
				t.Errorf("%d connections are open, want at most 4", open)
			}

			s.end()

			if !strings.Contains(s.log.String(), "connections closed to make room") || strings.Count(s.log.String(), "\n") != 1 {
				t.Errorf("log = %q, want one line", s.log)
			}
		})
	}
}

func TestARequestInHandIsKept(t *testing.T) {
	s := newStage(t, 2)

	const post = "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"

	first := s.dial(post)
	second := s.dial(fmt.Sprintf(get, "hold"))
	releases := []chan struct{}{<-s.held, <-s.held}
	third := s.dial(fmt.Sprintf(get, ""))
	s.until("both are in hand", func() bool { open, idle := s.state(); return open == 2 && idle == 0 })
	close(releases[0])
	close(releases[1])

	for i, c := range []*client{first, second, third} {
		if got := c.answer(); got != http.StatusOK {
			t.Errorf("client %d was answered %d, want 200", i+1, got)
		}
	}
}

func TestAConnectionThatWorksOutlastsOneThatIsIdle(t *testing.T) {
	s := newStage(t, 2)

	working := s.dial(fmt.Sprintf(get, ""))
	if working.answer() != http.StatusOK {
		t.Fatal("not answered")
	}

	idle := s.dial(fmt.Sprintf(get, ""))
	if idle.answer() != http.StatusOK {
		t.Fatal("not answered")
	}

	if _, err := fmt.Fprintf(working, get, ""); err != nil || working.answer() != http.StatusOK {
		t.Fatal("not answered again")
	}

	s.until("both are idle", func() bool { _, n := s.state(); return n == 2 })

	if s.dial(fmt.Sprintf(get, "")).answer() != http.StatusOK || idle.answer() != 0 {
		t.Error("the connection that was idle for longest did not make room")
	}

	if _, err := fmt.Fprintf(working, get, ""); err != nil || working.answer() != http.StatusOK {
		t.Error("the connection that worked last was closed")
	}
}

func TestCloseEndsAnAcceptThatWaits(t *testing.T) {
	s := newStage(t, 1)
	holding := s.dial(fmt.Sprintf(get, "hold"))
	release := <-s.held

	waiting := s.dial(fmt.Sprintf(get, ""))
	go func() { s.end() }()

	if got := waiting.answer(); got != 0 {
		t.Errorf("answered %d after the end", got)
	}

	close(release)

	_ = holding.answer()

	s.end()
	s.until("all have left", func() bool { open, _ := s.state(); return open == 0 })
}

// Under TLS the connection that is bounded is the one below.
func TestTLS(t *testing.T) {
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	certified.Close()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	held := make(chan struct{})
	release := make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(held); <-release })}
	b := Bound(server, l, 1, slog.New(slog.DiscardHandler)).(*bound)

	var serving sync.WaitGroup

	serving.Go(func() { _ = server.Serve(tls.NewListener(b, certified.TLS)) })
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

	s := &stage{t: t, bound: b}
	if open, idle := s.state(); open != 1 || idle != 0 {
		t.Errorf("%d open, %d of them idle, want one in hand", open, idle)
	}

	close(release)

	if got := (&client{Conn: c, reader: bufio.NewReader(c)}).answer(); got != http.StatusOK {
		t.Errorf("answered %d, want 200", got)
	}
}
