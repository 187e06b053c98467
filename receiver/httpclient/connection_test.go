// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// proxy forwards TCP connections. After drop it forwards nothing more on open connections, but leaves them open,
// like a NAT gateway or load balancer that has lost its table. New connections work.
type proxy struct {
	listener    net.Listener
	target      string
	generation  atomic.Int64
	connections atomic.Int64
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	p := &proxy{listener: listener, target: target}

	t.Cleanup(func() { _ = listener.Close() })

	go p.serve()

	return p
}

func (p *proxy) drop() { p.generation.Add(1) }

func (p *proxy) serve() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}

		p.connections.Add(1)

		far, err := net.Dial("tcp", p.target)
		if err != nil {
			near.Close()
			continue
		}

		closeBoth := sync.OnceFunc(func() { near.Close(); far.Close() })
		generation := p.generation.Load()

		go p.forward(far, near, generation, closeBoth)
		go p.forward(near, far, generation, closeBoth)
	}
}

func (p *proxy) forward(to, from net.Conn, generation int64, closeBoth func()) {
	defer closeBoth()

	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}

		if p.generation.Load() != generation {
			continue
		}

		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestDeadHTTP2ConnectionCostsOneCall(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(r.Proto))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)

	p := newProxy(t, server.Listener.Addr().String())
	client := New(Options{
		Clock:           clockwork.NewRealClock(),
		Peer:            "the server",
		SendPingTimeout: 200 * time.Millisecond,
		PingTimeout:     5 * time.Second,
	})
	t.Cleanup(client.Close)

	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{
		RootCAs:    roots,
		ServerName: "example.com",
		MinVersion: tls.VersionTLS12,
	}

	call := func() (*Response, *failure.Error) {
		return client.Do(t.Context(), Call{
			Op:      "call",
			Method:  http.MethodPost,
			BaseURL: "https://" + p.listener.Addr().String(),
			Body:    []byte(`{}`),
			Timeout: 5 * time.Minute, // the ping ends the call, not the timeout
			MaxBody: 1 << 10,
		})
	}

	response, fault := call()
	if fault != nil {
		t.Fatal(fault)
	}

	if got := string(response.Body); got != "HTTP/2.0" {
		t.Fatalf("protocol = %s, want HTTP/2.0", got)
	}

	p.drop()

	if _, fault := call(); fault == nil || fault.Class != failure.Ambiguous || fault.Code != CodeNoConnection {
		t.Fatalf("call over the dead connection: %+v, want an ambiguous %s", fault, CodeNoConnection)
	}

	if _, fault := call(); fault != nil {
		t.Fatalf("call after the dead connection: %v", fault)
	}

	if got := p.connections.Load(); got != 2 {
		t.Errorf("%d connections, want 2", got)
	}
}
