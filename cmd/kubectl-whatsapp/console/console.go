// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package console serves the console on a local port: the console port of one receiver, or the pages of all resources that
// the user may see.
package console

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/console"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// Server passes the calls of a local port on to a receiver.
type Server struct {
	Transport http.RoundTripper // to the receiver
	Scheme    string
	Host      string          // of the receiver's console port
	Header    http.Header     // added to each call
	Failed    func(err error) // called when the receiver does not answer
}

// Serve serves a handler until ctx ends.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	web := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          log.New(io.Discard, "", 0),
	}

	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)

		_ = web.Close()
	})

	err := web.Serve(listener)

	if !stop() {
		<-stopped
	}

	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}

	return err
}

// Handler returns the handler that passes calls on. The Host header stays: by it the receiver refuses pages of other sites.
// Calls of the API by other sites are refused here, since a receiver of an earlier version would execute them in the name of
// the user.
func (s *Server) Handler() http.Handler {
	pages := http.HandlerFunc(s.servePage)
	refuse := consoleapi.RefuseForeign(http.HandlerFunc(s.serveCall))

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, console.Prefix+"/") {
			pages.ServeHTTP(w, r)
			return
		}

		refuse.ServeHTTP(w, r)
	})
}

// servePage passes a request for a page on. While the receiver does not answer, the page is that of the failure: it has the text of
// a message that was not confirmed.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	form, err := keepForm(r)
	if err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}

	s.pass(w, r, func(err error) { serveFailure(w, withForm(r, form), err) })
}

// serveCall passes a call of the API on.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request) {
	s.pass(w, r, func(err error) { http.Error(w, err.Error(), http.StatusBadGateway) })
}

// pass passes a request on. It calls failed if the receiver does not answer.
func (s *Server) pass(w http.ResponseWriter, r *http.Request, failed func(err error)) {
	proxy := &httputil.ReverseProxy{
		Transport:     s.Transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = s.Scheme
			r.Out.URL.Host = s.Host
			r.Out.Host = r.In.Host

			maps.Copy(r.Out.Header, s.Header)
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return
			}

			s.Failed(err) // without the path, which may name a person
			failed(err)
		},
	}

	proxy.ServeHTTP(w, r)
}
