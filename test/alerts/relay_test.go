//go:build linux

// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package alerts

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"
)

const (
	// relayInterval is the time between two reads of a receiver's metrics.
	relayInterval = 500 * time.Millisecond
	// relayTimeout bounds one read. Only a machine that is busy with other tests needs a part of it.
	relayTimeout = 30 * time.Second
)

// relay serves the newest metrics of a receiver to Prometheus. All durations of the rules are shortened, so that a receiver
// which a busy machine delays for seconds would look down for minutes. A receiver that refuses the connection is down.
type relay struct {
	server *httptest.Server
	client *http.Client

	mu      sync.Mutex
	address string // of the receiver's admin port
	metrics []byte // nil while the receiver is down
}

func newRelay(t *testing.T) *relay {
	t.Helper()

	r := &relay{client: &http.Client{Timeout: relayTimeout, Transport: &http.Transport{}}}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))

	var reading sync.WaitGroup

	reading.Go(func() { r.run(ctx) })
	t.Cleanup(func() {
		stop()
		reading.Wait()
		r.server.Close()
		r.client.CloseIdleConnections()
	})

	return r
}

// follow makes the relay read a receiver that was started.
func (r *relay) follow(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()

	r.address = address
}

func (r *relay) run(ctx context.Context) {
	tick := time.NewTicker(relayInterval)
	defer tick.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.read(ctx)
		}
	}
}

func (r *relay) read(ctx context.Context) {
	r.mu.Lock()
	address := r.address
	r.mu.Unlock()

	metrics, err := r.fetch(ctx, address)

	var timeout net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return
	}

	r.mu.Lock()
	defer r.mu.Unlock()

	r.metrics = metrics
}

func (r *relay) fetch(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}

	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()

	return io.ReadAll(response.Body)
}

func (r *relay) serve(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	metrics := r.metrics
	r.mu.Unlock()

	if metrics == nil {
		http.Error(w, "the receiver is down", http.StatusServiceUnavailable)
		return
	}

	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(metrics)
}
