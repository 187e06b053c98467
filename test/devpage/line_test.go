// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package devpage

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync/atomic"
	"testing"
)

// line is an HTTP proxy between the browser and the server, which can be cut.
type line struct {
	server *httptest.Server
	proxy  *httputil.ReverseProxy
	isCut  atomic.Bool
}

func newLine(t *testing.T) *line {
	t.Helper()

	transport := &http.Transport{}
	l := &line{proxy: &httputil.ReverseProxy{
		Rewrite:       func(*httputil.ProxyRequest) {}, // the browser names the server in the request
		Transport:     transport,
		FlushInterval: -1,
	}}
	l.server = httptest.NewServer(l)

	t.Cleanup(func() {
		l.server.CloseClientConnections()
		l.server.Close()
		transport.CloseIdleConnections()
	})

	return l
}

func (l *line) address() string { return l.server.Listener.Addr().String() }

// ServeHTTP passes a request on.
func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.isCut.Load() || r.URL.Hostname() != "localhost" { // Chromium itself asks its maker
		panic(http.ErrAbortHandler)
	}

	l.proxy.ServeHTTP(w, r)
}

// cut ends all connections and refuses new requests, or takes them again.
func (l *line) cut(cut bool) {
	l.isCut.Store(cut)

	if cut {
		l.server.CloseClientConnections()
	}
}
