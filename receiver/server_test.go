// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/connections"
)

// TestServerTimeouts measures how long the server keeps a slow connection. The clock of synctest advances while all
// goroutines wait.
func TestServerTimeouts(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"

	drip := func(c net.Conn, text string) {
		for range time.Tick(time.Second) {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
	for name, tc := range map[string]struct {
		first string
		drips string // once a second
		reads bool
		limit time.Duration
	}{
		"nothing sent": {reads: true, limit: 5 * time.Second},
		"headers that trickle": {
			first: "GET / HTTP/1.1\r\n",
			drips: "X-Slow: 1\r\n",
			reads: true,
			limit: 5 * time.Second,
		},
		"a body that trickles":      {first: post, drips: "{", reads: true, limit: 10 * time.Second},
		"a body that never arrives": {first: post, reads: true, limit: 10 * time.Second},
		"an unread answer":          {first: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", limit: 30 * time.Second},
		"idle after an answer":      {first: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", reads: true, limit: 2 * time.Minute},
		"headers after an answer": {
			first: "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n",
			drips: "X-Slow: 1\r\n",
			reads: true,
			limit: 5 * time.Second,
		},
		"a small body, refused": {
			first: "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
			drips: "{",
			reads: true,
			limit: 10 * time.Second,
		},
		"a large body, refused": {first: strings.Replace(post, "/", "/refused", 1), drips: "{", reads: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/refused" {
						_, _ = io.Copy(io.Discard, r.Body)
					}

					_, _ = io.WriteString(w, "answer")
				})
				s := server(handler, slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn))
				clientSide, serverSide := net.Pipe()
				l := &oneConn{conn: serverSide, ended: make(chan struct{})}

				limited := connections.LimitListener(s, l, webhookConnections, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
				go func() { _ = s.Serve(limited) }()

				began := time.Now()

				if _, err := io.WriteString(clientSide, tc.first); err != nil {
					t.Fatal(err)
				}

				var client sync.WaitGroup
				if tc.reads {
					client.Go(func() { _, _ = io.Copy(io.Discard, clientSide) })
				}

				if tc.drips != "" {
					client.Go(func() { drip(clientSide, tc.drips) })
				}

				l.wait()
				// A client whose request is cut off gets half a second to read the reason.
				if took := time.Since(began); took < tc.limit || took > tc.limit+time.Second {
					t.Errorf("the connection lasted %v, want %v", took, tc.limit)
				}

				_ = clientSide.Close()

				client.Wait()

				_ = s.Close()
			})
		})
	}
}

// oneConn is a listener with one connection. It signals when the server closes it.
type oneConn struct {
	conn     net.Conn
	accepted bool
	ended    chan struct{}
}

func (c *oneConn) Accept() (net.Conn, error) {
	if c.accepted {
		<-c.ended
		return nil, net.ErrClosed
	}

	c.accepted = true

	return closing{c.conn, c.ended}, nil
}

func (c *oneConn) wait()          { <-c.ended }
func (c *oneConn) Close() error   { return nil }
func (c *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

type closing struct {
	net.Conn
	ended chan struct{}
}

func (c closing) Close() error {
	select {
	case <-c.ended:
	default:
		close(c.ended)
	}

	return c.Conn.Close()
}

func TestProtocols(t *testing.T) {
	cluster := server(http.NotFoundHandler(), nil).Protocols
	if cluster.HTTP2() || cluster.UnencryptedHTTP2() || !cluster.HTTP1() {
		t.Errorf("protocols of the other ports = %v, want only HTTP/1", cluster)
	}

	webhook := webhookServer(http.NotFoundHandler(), nil).Protocols
	if webhook.HTTP2() || !webhook.UnencryptedHTTP2() || !webhook.HTTP1() {
		t.Errorf("protocols of the webhook port = %v, want HTTP/1, and HTTP/2 without TLS", webhook)
	}
}
