// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/admin"
)

// adminServer serves the admin port from the beginning of Open on, since a migration of the store may take long: probes get
// an answer, so that the receiver is not killed, and its progress is seen.
type adminServer struct {
	http     *http.Server
	listener net.Listener
	handler  atomic.Pointer[http.Handler]
	ended    chan struct{}
	err      error // why it ended, valid once ended is closed
}

// openAdmin listens on the admin port and serves the reports that need no store.
func (r *Receiver) openAdmin(ctx context.Context, starting *admin.Starting) error {
	var listen net.ListenConfig

	listener, err := listen.Listen(ctx, "tcp", r.live.Current().Listen.Admin)
	if err != nil {
		return fmt.Errorf("listen on the admin port: %w", err)
	}

	a := &adminServer{listener: listener, ended: make(chan struct{})}
	a.use(starting.Handler(r.metrics))
	a.http = server(a, slog.NewLogLogger(r.log.Handler(), slog.LevelDebug))
	r.admin = a

	limited := r.limit(a.http, listener, clusterConnections)

	go func() {
		defer close(a.ended)

		a.err = a.http.Serve(limited)
	}()

	return nil
}

// use replaces the handler.
func (a *adminServer) use(h http.Handler) { a.handler.Store(&h) }

// ServeHTTP implements http.Handler.
func (a *adminServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*a.handler.Load()).ServeHTTP(w, r)
}

// wait returns why the server ended, or nil if it was shut down.
func (a *adminServer) wait() error {
	<-a.ended

	if errors.Is(a.err, http.ErrServerClosed) {
		return nil
	}

	return fmt.Errorf("serve on %s: %w", a.listener.Addr(), a.err)
}

func (a *adminServer) close() {
	_ = a.http.Close() // shut down already if Run has ended
	<-a.ended
}
