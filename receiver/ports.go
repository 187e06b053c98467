// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/admin"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/connections"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/console"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/edge"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/medialink"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/messagesapi"
)

const (
	// webhookConnections bounds the memory of slow clients: up to some 150 kB per connection, by many short headers.
	webhookConnections = 512
	// webhookStreams bounds the requests that a connection carries at a time with HTTP/2. All connections together carry at
	// most webhookConnections requests.
	webhookStreams = 64
	// clusterConnections bounds the connections to each of the other ports, which have few clients.
	clusterConnections = 64
)

func (r *Receiver) newEdge() *edge.Edge {
	return edge.New(edge.Dependencies{
		Inbox:   r.engine,
		Live:    r.live,
		Metrics: r.metrics,
		Tracer:  r.tracer,
		Clock:   r.clock,
		Log:     r.log,
		Version: r.version,
		Media: medialink.NewHandler(medialink.Dependencies{
			Files:   r.engine,
			Live:    r.live,
			Metrics: r.metrics,
			Clock:   r.clock,
			Log:     r.log,
		}),
	})
}

func (r *Receiver) adminHandler() http.Handler { return admin.New(r.adminDependencies()) }

func (r *Receiver) adminDependencies() admin.Dependencies {
	return admin.Dependencies{
		Store:               r.store,
		Live:                r.live,
		Metrics:             r.metrics,
		Problems:            r.problems,
		ClosedScopes:        r.shownScopes,
		Token:               r.subscription.Token,
		TokenExpiresAt:      r.subscription.TokenExpiresAt,
		Subscription:        r.subscription.Subscription,
		Standby:             r.edge.Standby,
		Backup:              r.backup.State,
		DeadLettersExpireAt: r.retention.ExpireAt,
		Draining:            r.draining.Load,
		Clock:               r.clock,
		Log:                 r.log,
		Version:             r.version,
	}
}

// consoleHandler returns the handler of the console port: the API, and the pages that use it.
func (r *Receiver) consoleHandler(jobs *consoleapi.Jobs, messages *messagesapi.API) (http.Handler, error) {
	api := consoleapi.New(consoleapi.Dependencies{
		Version:   r.version,
		Store:     r.store,
		Live:      r.live,
		Wake:      r.engine.Wake,
		Jobs:      jobs,
		Report:    r.adminDependencies().Report,
		LastHour:  r.lastHour.Points,
		Rates:     r.engine.Rates,
		SendText:  messages.SendText,
		Doctor:    r.newDoctor().Handler(),
		Questions: &r.questions,
		Clock:     r.clock,
		Log:       r.log,
	})

	pages, err := console.New(console.Dependencies{
		Source: ownConsole{api: api, live: r.live, log: r.log},
		Clock:  r.clock,
		Log:    r.log,
	})
	if err != nil {
		return nil, fmt.Errorf("open the console: %w", err)
	}

	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.Handle("GET /{$}", http.RedirectHandler(console.Prefix+"/", http.StatusFound))
	mux.Handle(console.Prefix+"/", consoleapi.Protect(pages))

	return mux, nil
}

func (r *Receiver) newDoctor() *doctor.Doctor {
	return doctor.New(doctor.Dependencies{
		Live:    r.live,
		Graph:   r.graph,
		Clock:   r.clock,
		Version: r.version,
		Process: &doctor.Process{
			Store:        r.store,
			Problems:     r.problems,
			ClosedScopes: r.shownScopes,
			Standby:      r.edge.Standby,
			WebhookAddr:  r.WebhookAddr(),
			MessagesAddr: r.MessagesAddr(),
		},
	})
}

// problems returns the problems of the engine, the edge and the scheduled backups by operation.
func (r *Receiver) problems() map[string]string {
	all := r.engine.Problems()
	maps.Copy(all, r.edge.Problems())
	maps.Copy(all, r.backup.Problems())

	if problem := r.encrypted.Problem(); problem != "" {
		all["decrypt the store"] = problem
	}

	return all
}

func (r *Receiver) newMessagesAPI() *messagesapi.API {
	return messagesapi.New(messagesapi.Dependencies{
		Store:   r.store,
		Wake:    r.engine.Wake,
		Live:    r.live,
		Metrics: r.metrics,
		Tracer:  r.tracer,
		Clock:   r.clock,
		Log:     r.log,
	})
}

// listen listens on the ports, except for the admin port.
func (r *Receiver) listen(ctx context.Context, settings *config.Snapshot) (err error) {
	var listen net.ListenConfig

	if r.webhook, err = listen.Listen(ctx, "tcp", settings.Listen.Webhook); err != nil {
		return fmt.Errorf("listen on the webhook port: %w", err)
	}

	if r.console, err = listen.Listen(ctx, "tcp", settings.Listen.Console); err != nil {
		return fmt.Errorf("listen on the console port: %w", err)
	}

	if settings.MessagesAPI != nil {
		if r.messages, err = listen.Listen(ctx, "tcp", settings.Listen.Messages); err != nil {
			return fmt.Errorf("listen on the port of the messages API: %w", err)
		}
	}

	return nil
}

func (r *Receiver) limit(s *http.Server, l net.Listener, limit int) net.Listener {
	return connections.LimitListener(s, l, limit, r.clock, r.log)
}

// webhookServer returns a server that also speaks HTTP/2 without TLS, by prior knowledge, for proxies that want it. The
// number of streams of a connection and the memory for what they receive are bounded; the timeouts of a request hold for
// each stream. With mutual TLS the webhook is served by HTTP/1.1 alone.
func webhookServer(h http.Handler, errorLog *log.Logger) *http.Server {
	s := server(h, errorLog)
	s.Protocols.SetUnencryptedHTTP2(true)
	s.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          webhookStreams,
		MaxReceiveBufferPerConnection: 64 << 10,
		MaxReceiveBufferPerStream:     64 << 10,
		MaxReadFrameSize:              16 << 10,
	}

	return s
}

// consoleServer returns a server for browsers. They send the cookies of all programs on localhost to each port there.
func consoleServer(h http.Handler, errorLog *log.Logger) *http.Server {
	s := server(h, errorLog)
	s.MaxHeaderBytes = 64 << 10

	return s
}

// server returns a server with a timeout for every phase of a request. The largest delivery must fit into ReadTimeout.
// HTTP/2 is disabled, since one connection could carry any number of requests.
func server(h http.Handler, errorLog *log.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)

	return &http.Server{
		Handler:                      h,
		ErrorLog:                     errorLog,
		Protocols:                    protocols,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  10 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               4 << 10, // and 4 KiB more, which net/http adds
	}
}

// shutdown waits for requests in flight, and cuts them off when ctx ends.
func shutdown(ctx context.Context, s *http.Server) error {
	if err := s.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("drain requests: %w", err), s.Close())
	}

	return nil
}
