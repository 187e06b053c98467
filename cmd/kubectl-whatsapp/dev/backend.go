// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// quiet is the logger of servers and proxies. Their errors are in the journal.
var quiet = log.New(io.Discard, "", 0)

// backend is an HTTP server on a free port of the loopback interface, for calls of the receiver.
type backend struct {
	url  string
	http *http.Server
	done chan struct{}
}

func newBackend(ctx context.Context, handler http.Handler) (*backend, error) {
	var config net.ListenConfig

	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for calls of the receiver: %w", err)
	}

	b := &backend{
		url: "http://" + l.Addr().String(),
		http: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          quiet,
		},
		done: make(chan struct{}),
	}

	go func() {
		defer close(b.done)

		_ = b.http.Serve(l) // it ends with close
	}()

	return b, nil
}

// close ends the server, with the calls in progress.
func (b *backend) close() {
	_ = b.http.Close()

	<-b.done
}
