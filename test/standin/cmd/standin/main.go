// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command standin serves the stand-ins for Meta's Graph API, for the AI in each protocol (Bird, Flow, OpenAI) and for the
// software of people (Desk, Chatwoot), for an ingress controller and its validating webhook, and sends Meta's deliveries to a receiver. Each has a
// control API:
//
//	GET    /_standin/healthz
//	GET    /_standin/calls?method=POST&path=/123/messages   recorded calls; DELETE removes them
//	GET    /_standin/sent                                   messages sent (Graph)
//	GET    /_standin/asked                                  accepted requests (Bird, Flow, OpenAI, Desk); messages (Chatwoot)
//	GET    /_standin/later                                  answers posted to the messages API (Bird, Flow, Desk)
//	GET    /_standin/heard                                  transcribed recordings (OpenAI)
//	GET    /_standin/faults                                 active faults; DELETE removes all, DELETE /_standin/faults/1 one
//	POST   /_standin/faults                                 {"pathPrefix":"/123/messages","graphError":{"code":130429},"times":1}
//	PUT    /_standin/media/{id}                             stores a medium, by Content-Type and body (Graph)
//	POST   /_standin/load                                   {"name":"a","phoneNumberID":"123","conversations":9,"everyMilliseconds":500}: starts a load (Meta)
//	GET    /_standin/load                                   progress of the load; DELETE ends it (Meta)
//	POST   /_standin/deliver                                delivers the body, signed; ?appSecret= overrides the secret (Meta)
//	POST   /_standin/handshake?verifyToken=a&challenge=1    verifies the callback (Meta)
//	PUT    /_standin/ingress                                [{"host":"a","path":"/v1/","prefix":true,"backend":"http://b:9092"}] (Ingress)
//	GET    /_standin/authority                              certificate of the validating webhook (Admission)
//	PUT    /_standin/callback                               {"url":"http://receiver/webhooks/whatsapp","appSecret":"s"} (Meta)
//
// A fault has method, pathPrefix, status, body, retryAfter, graphError, delay ("2s"), hang, cut (before, after,
// midbody), afterEffect and times. The control API requires no credential and shows the credentials of the calls: use it
// only with invented secrets and on closed networks.
//
// The AI repeats what people write. "later please" lets Bird and Flow answer through the messages API of -messages-url,
// "person please" hands the conversation to people, and a Desk with -messages-url answers each message. A model also
// understands "choices please", "refuse please", "silence please", "length please" and "filter please".
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/meta"
)

const (
	// drainTimeout is how long calls in flight may take at shutdown.
	drainTimeout = 10 * time.Second
	// deliveryTimeout is longer than a receiver takes to answer that it cannot store a delivery.
	deliveryTimeout = 10 * time.Second
	// dialTimeout leaves time for the third connection attempt, which Linux makes after 3 seconds.
	dialTimeout = 5 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	err := run(ctx, os.Args[1:], log)

	stop()

	if err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Error("standin failed", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends or a server fails.
func run(ctx context.Context, args []string, log *slog.Logger) error {
	s, err := parse(args)
	if err != nil {
		return err
	}

	serving, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var background sync.WaitGroup
	defer background.Wait()

	client := newClient()
	callback := meta.Callback{URL: s.callbackURL, AppSecret: s.graph.AppSecret}
	deliveries := meta.New(client, callback, s.statuses...)
	background.Go(func() { deliveries.Run(serving) })

	s.graph.StatusSink = deliveries.Sink
	graph := standin.NewGraph(s.graph)
	// Meta signs deliveries and checks proofs with one secret.
	deliveries.CallbackSet = func(to meta.Callback) { graph.SetAppSecret(to.AppSecret) }

	s.connect(client)

	servers, err := s.servers(graph, deliveries)
	if err != nil {
		return err
	}

	for _, server := range servers {
		listener, err := s.listenFor(serving, server)
		if err != nil {
			cancel(nil)
			return err
		}

		if listener == nil {
			continue
		}

		log.Info("serving", "standin", server.name, "address", listener.Addr().String())
		background.Go(func() {
			if err := serve(serving, listener, server.handler, server.release); err != nil {
				cancel(fmt.Errorf("serving %s: %w", server.name, err))
			}
		})
	}

	<-serving.Done()
	background.Wait()

	if ctx.Err() == nil {
		return context.Cause(serving)
	}

	return nil
}

// newClient returns the client of deliveries. Each opens its own connection, since Meta delivers from many hosts.
func newClient() *http.Client {
	return &http.Client{Timeout: deliveryTimeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       (&net.Dialer{Timeout: dialTimeout}).DialContext,
	}}
}

// server is a stand-in with its port.
type server struct {
	name    string
	handler http.Handler
	release func()
	tls     *tls.Config // nil: plain HTTP
}

func (s *settings) servers(graph *standin.Graph, deliveries *meta.Meta) ([]server, error) {
	bird := standin.NewBird(s.bird)
	flow := standin.NewFlow(s.flow)
	openAI := standin.NewOpenAI(s.openAI)
	desk := standin.NewDesk(s.desk)
	chatwoot := standin.NewChatwoot(s.chatwoot)

	admission, err := standin.NewAdmission(s.admissionName)
	if err != nil {
		return nil, fmt.Errorf("create the validating webhook: %w", err)
	}

	return []server{
		{"graph", graph, graph.Close, nil},
		{"bird", bird, bird.Close, nil},
		{"meta", deliveries.Handler(), func() {}, nil},
		{"flow", flow, flow.Close, nil},
		{"openai", openAI, openAI.Close, nil},
		{"desk", desk, desk.Close, nil},
		{"chatwoot", chatwoot, chatwoot.Close, nil},
		{"ingress", standin.NewIngress(), func() {}, nil},
		{"admission", admission, func() {}, admission.TLS()},
	}, nil
}

// listenFor listens on the port of a stand-in. It returns nil if the stand-in has none.
func (s *settings) listenFor(ctx context.Context, to server) (net.Listener, error) {
	address := *s.listen[to.name]
	if address == "" {
		return nil, nil // it has no port
	}

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", to.name, err)
	}

	if to.tls != nil {
		listener = tls.NewListener(listener, to.tls)
	}

	return listener, nil
}

// serve serves until ctx ends. It then releases the calls that faults delay or hang, and waits for the others.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, release func()) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute,
		WriteTimeout:      5 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	ctx, stop := context.WithCancel(ctx)

	var stopping sync.WaitGroup
	defer stopping.Wait()
	defer stop()

	stopping.Go(func() {
		<-ctx.Done()
		release()

		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()

		if server.Shutdown(drain) != nil {
			_ = server.Close()
		}
	})

	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}

	<-ctx.Done()

	return nil
}
