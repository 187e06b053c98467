// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package receiver assembles the parts of a receiver: the edge that Meta talks to, the store, the engine and the admin
// port. It knows nothing of Kubernetes.
package receiver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/admin"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/connections"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/edge"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/engine"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/subscription"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// traceTimeout bounds the export of the last spans.
const traceTimeout = 5 * time.Second

const (
	// noticeConnections bounds the idle connections to the sink.
	noticeConnections = 16
	// webhookConnections bounds what slow clients can take of the memory: up to some 150 kB each, by many short headers.
	webhookConnections = 512
	// clusterConnections bounds those to each of the other ports, which few call.
	clusterConnections = 64
)

// Receiver is a running receiver's parts. Make one with Open, end it with Close.
type Receiver struct {
	live     *config.Live
	store    store.Store
	metrics  *metrics.Metrics
	bird     *bird.Client
	graph    *cloudapi.Client
	media    *media.Spool
	notices  *notice.Sender
	tracer   *tracing.Tracer
	engine   *engine.Engine
	keeper   *subscription.Keeper
	clock    clockwork.Clock
	log      *slog.Logger
	name     string // among receivers that share a store
	version  string
	draining atomic.Bool

	webhook, adminPort, console net.Listener
}

// Open opens the store and listens; nothing is served or worked before Run.
func Open(ctx context.Context, live *config.Live, version string, clock clockwork.Clock, log *slog.Logger) (_ *Receiver, err error) {
	settings := live.Current()

	r := &Receiver{
		live:    live,
		metrics: metrics.New(),
		clock:   clock,
		log:     log,
		name:    rand.Text(),
		version: version,
	}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()

	inbox, err := openStore(ctx, live)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}

	r.store = r.metrics.CountStore(inbox)
	r.metrics.WatchStore(inbox, clock.Now)
	r.bird = bird.NewClient(live, settings.Processing.Concurrency, clock)

	r.graph = cloudapi.NewClient(live, settings.Processing.Concurrency, clock)
	if r.tracer, err = tracing.Open(ctx, settings.Tracing.EndpointURL, version); err != nil {
		return nil, err
	}

	r.notices = notice.NewSender(live, noticeConnections, clock)
	if r.media, err = media.Open(live, r.graph, clock); err != nil {
		return nil, fmt.Errorf("open media spool: %w", err)
	}

	r.engine = engine.New(engine.Parts{
		Store:   r.store,
		Bird:    r.bird,
		Graph:   r.graph,
		Media:   r.media,
		Notices: r.notices,
		Live:    live,
		Metrics: r.metrics,
		Tracer:  r.tracer,
		Clock:   clock,
		Log:     log,
	})
	r.keeper = subscription.New(subscription.Parts{
		Live:    live,
		Graph:   r.graph,
		Metrics: r.metrics,
		Duties:  r.store,
		Holder:  r.name,
		Sends:   r.engine.Token,
		Clock:   clock,
		Log:     log,
	})
	r.metrics.WatchSubscription(r.keeper.Subscription, r.keeper.TokenExpiresAt)

	var listen net.ListenConfig
	if r.webhook, err = listen.Listen(ctx, "tcp", settings.Listen.Webhook); err != nil {
		return nil, fmt.Errorf("listen for deliveries: %w", err)
	}

	if r.adminPort, err = listen.Listen(ctx, "tcp", settings.Listen.Admin); err != nil {
		return nil, fmt.Errorf("listen for probes: %w", err)
	}

	if r.console, err = listen.Listen(ctx, "tcp", settings.Listen.Console); err != nil {
		return nil, fmt.Errorf("listen for the console: %w", err)
	}

	return r, nil
}

// WebhookAddr is where deliveries are taken, host:port.
func (r *Receiver) WebhookAddr() string { return r.webhook.Addr().String() }

// AdminAddr is where probes, metrics and status are served, host:port.
func (r *Receiver) AdminAddr() string { return r.adminPort.Addr().String() }

// ConsoleAddr is where dead letters are shown and replayed, host:port.
func (r *Receiver) ConsoleAddr() string { return r.console.Addr().String() }

// Store is the inbox, for those who look into it.
func (r *Receiver) Store() store.Store { return r.store }

// Run serves and works until ctx ends, then drains: no new work, deliveries and conversations in hand come to an end.
func (r *Receiver) Run(ctx context.Context) error {
	hook := edge.New(edge.Parts{
		Inbox:   r.store,
		Wake:    r.engine.Wake,
		Live:    r.live,
		Metrics: r.metrics,
		Tracer:  r.tracer,
		Clock:   r.clock,
		Log:     r.log,
		Version: r.version,
	})
	webhook := server(hook, hook.ErrorLog())
	problems := func() map[string]string {
		all := r.engine.Problems()
		maps.Copy(all, hook.Problems())

		return all
	}
	probes := server(admin.New(admin.Parts{
		Store:          r.store,
		Live:           r.live,
		Metrics:        r.metrics,
		Problems:       problems,
		Token:          r.keeper.Token,
		TokenExpiresAt: r.keeper.TokenExpiresAt,
		Subscription:   r.keeper.Subscription,
		Draining:       r.draining.Load,
		Now:            r.clock.Now,
		Log:            r.log,
		Version:        r.version,
	}), hook.ErrorLog())
	console := server(admin.NewConsole(admin.Console{
		Store: r.store,
		Wake:  r.engine.Wake,
		Now:   r.clock.Now,
		Log:   r.log,
	}), hook.ErrorLog())

	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var parts sync.WaitGroup

	serve := func(s *http.Server, l net.Listener) {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("serve on %s: %w", l.Addr(), err))
		}
	}
	deliveries := hook.Secure(connections.Bound(webhook, r.webhook, webhookConnections, r.log))
	questions := connections.Bound(probes, r.adminPort, clusterConnections, r.log)
	letters := connections.Bound(console, r.console, clusterConnections, r.log)

	parts.Go(func() { serve(webhook, deliveries) })
	parts.Go(func() { serve(probes, questions) })
	parts.Go(func() { serve(console, letters) })
	parts.Go(func() { r.live.Watch(run) })
	parts.Go(func() { r.keeper.Run(run) })
	parts.Go(func() { r.retain(run) })

	worked := make(chan struct{})
	parts.Go(func() { defer close(worked); r.engine.Run(run, r.live.Current().Shutdown.DrainTimeout) })
	r.log.Info("receiver started", logevent.Key, logevent.ReceiverStarted, "version", r.version, "webhook", r.WebhookAddr(), "admin", r.AdminAddr(), "console", r.ConsoleAddr())

	<-run.Done()
	r.draining.Store(true)

	patience, done := context.WithTimeout(context.WithoutCancel(ctx), r.live.Current().Shutdown.DrainTimeout+time.Second)
	defer done()

	err := context.Cause(run)
	if ctx.Err() != nil {
		err = nil // being asked to end is no fault
	}

	err = errors.Join(err, shutdown(patience, webhook), shutdown(patience, console))

	<-worked

	err = errors.Join(err, shutdown(patience, probes)) // last, so that the drain can be watched

	parts.Wait()
	r.log.Info("receiver ended")

	return err
}

// Close frees what Open took. It is called after Run has returned, or instead of Run.
func (r *Receiver) Close() {
	for _, l := range []net.Listener{r.webhook, r.adminPort, r.console} {
		if l != nil {
			_ = l.Close() // already closed where Run served it
		}
	}

	if r.bird != nil {
		r.bird.Close()
	}

	if r.graph != nil {
		r.graph.Close()
	}

	if r.media != nil {
		r.media.Close()
	}

	if r.notices != nil {
		r.notices.Close()
	}

	if r.tracer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), traceTimeout)
		if err := r.tracer.Close(ctx); err != nil {
			r.log.Error("end tracing", "error", err)
		}

		cancel()
	}

	if r.store != nil {
		if err := r.store.Close(); err != nil {
			r.log.Error("close store", "error", err)
		}
	}
}

// server has a bound for every way to be slow. The largest delivery must fit into ReadTimeout. HTTP/2 is offered nowhere:
// one connection could hold any number of requests.
func server(h http.Handler, trouble *log.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)

	return &http.Server{
		Handler:                      h,
		ErrorLog:                     trouble,
		Protocols:                    protocols,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  10 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               4 << 10, // and 4 KiB more, which net/http adds
	}
}

// shutdown lets requests in flight end, and cuts off those that take longer than patience.
func shutdown(patience context.Context, s *http.Server) error {
	if err := s.Shutdown(patience); err != nil {
		return errors.Join(fmt.Errorf("drain requests: %w", err), s.Close())
	}

	return nil
}
