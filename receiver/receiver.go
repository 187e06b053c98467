// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package receiver assembles the parts of a receiver: the webhook edge, the store, the engine, and the admin and console
// ports. It does not depend on Kubernetes.
package receiver

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/admin"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/backup"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/edge"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/engine"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/lasthour"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/questions"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/retention"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/encrypted"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/subscription"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

const (
	// traceTimeout bounds the export of the last spans.
	traceTimeout = 5 * time.Second
	// noticeConnections bounds the idle connections to the sink, and those to the desk.
	noticeConnections = 16
)

// Receiver holds the parts of a receiver. Open returns one, Close ends it.
type Receiver struct {
	live         *config.Live
	store        store.Store
	encrypted    *encrypted.Store // within store
	metrics      *metrics.Metrics
	assistant    *assistant.Client
	questions    questions.Feed
	graph        *cloudapi.Client
	media        *media.Spool
	notices      *notice.Sender
	desk         *handoff.Client
	tracer       *tracing.Tracer
	engine       *engine.Engine
	edge         *edge.Edge
	subscription *subscription.Reconciler
	retention    *retention.Purger
	backup       *backup.Scheduler
	lastHour     *lasthour.Recorder
	clock        clockwork.Clock
	log          *slog.Logger
	name         string // unique among receivers that share a store
	version      string
	draining     atomic.Bool

	admin            *adminServer
	webhook, console net.Listener
	messages         net.Listener // nil unless the messages API is configured
}

// Open opens the store and listens on all ports. Before Run, nothing is processed, and only the admin port is served: it shows
// the progress of a restore or a migration of the store, and the receiver's own pages once the store is open.
func Open(
	ctx context.Context,
	live *config.Live,
	version string,
	clock clockwork.Clock,
	log *slog.Logger,
) (_ *Receiver, err error) {
	r := &Receiver{
		live:    live,
		metrics: metrics.New(clock),
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

	starting := &admin.Starting{Version: version, Live: live}
	if err := r.openAdmin(ctx, starting); err != nil {
		return nil, err
	}

	inbox, err := r.openStore(ctx, starting)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}

	settings := live.Current() // a restore may have waited for a change

	r.store = r.metrics.CountStore(inbox)
	r.metrics.WatchStore(inbox, clock)
	r.metrics.WatchTakeovers(inbox, clock)

	if err := r.openClients(ctx, settings); err != nil {
		return nil, err
	}

	r.newEngine()
	r.newJobs()
	r.watch()

	r.lastHour = lasthour.New(r.metrics.Registry, r.metrics.Activity, clock, log)

	if err := r.listen(ctx, settings); err != nil {
		return nil, err
	}

	r.edge = r.newEdge()
	r.admin.use(r.adminHandler())

	return r, nil
}

// WebhookAddr returns the address of the webhook port as host:port.
func (r *Receiver) WebhookAddr() string { return r.webhook.Addr().String() }

// AdminAddr returns the address of probes, metrics and status as host:port.
func (r *Receiver) AdminAddr() string { return r.admin.listener.Addr().String() }

// ConsoleAddr returns the address of the console port as host:port.
func (r *Receiver) ConsoleAddr() string { return r.console.Addr().String() }

// MessagesAddr returns the address of the messages API as host:port, or "" if it is not configured.
func (r *Receiver) MessagesAddr() string {
	if r.messages == nil {
		return ""
	}

	return r.messages.Addr().String()
}

// Store returns the receiver's store, for tests and tools that inspect it.
func (r *Receiver) Store() store.Store { return r.store }

// Busy reports whether an event is processed now, for tests and tools.
func (r *Receiver) Busy() bool { return r.engine.Busy() }

// Close releases what Open acquired. Call it after Run has returned, or instead of Run.
func (r *Receiver) Close() {
	for _, l := range []net.Listener{r.webhook, r.console, r.messages} {
		if l != nil {
			_ = l.Close() // already closed if Run served it
		}
	}

	if r.admin != nil {
		r.admin.close()
	}

	if r.assistant != nil {
		r.assistant.Close()
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

	if r.desk != nil {
		r.desk.Close()
	}

	if r.tracer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), traceTimeout)
		if err := r.tracer.Close(ctx); err != nil {
			r.log.Error("exporting the last spans failed", "error", err)
		}

		cancel()
	}

	if r.store != nil {
		if err := r.store.Close(); err != nil {
			r.log.Error("closing the store failed", "error", err)
		}
	}
}
