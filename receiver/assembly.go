// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/backup"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/engine"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/retention"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/subscription"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// openClients opens the clients of the AI, Meta, the sink, the desk and the collector of traces, and the media spool.
func (r *Receiver) openClients(ctx context.Context, settings *config.Snapshot) (err error) {
	authorities := func() string { return r.live.Current().Secrets.AICA }
	r.assistant = assistant.NewClient(drivers, authorities, settings.Processing.Concurrency, r.clock)
	r.assistant.Observe(r.questions.Asked)

	r.graph = cloudapi.NewClient(r.live, settings.Processing.Concurrency, r.clock)

	collectors := func() string { return r.live.Current().Secrets.TracingCA }
	if r.tracer, err = tracing.Open(ctx, settings.Tracing.EndpointURL, collectors, r.version); err != nil {
		return err
	}

	r.notices = notice.NewSender(r.live, noticeConnections, r.clock)
	r.desk = handoff.NewClient(r.live, noticeConnections, r.clock)

	if r.media, err = media.Open(r.live, r.graph, r.clock); err != nil {
		return fmt.Errorf("open media spool: %w", err)
	}

	return nil
}

func (r *Receiver) newEngine() {
	r.engine = engine.New(engine.Dependencies{
		Store:     r.store,
		Assistant: r.assistant,
		Graph:     r.graph,
		Media:     r.media,
		Notices:   r.notices,
		Desk:      r.desk,
		Live:      r.live,
		Metrics:   r.metrics,
		Tracer:    r.tracer,
		Clock:     r.clock,
		Log:       r.log,
	})
}

// newJobs assembles the jobs that run beside the engine.
func (r *Receiver) newJobs() {
	r.subscription = subscription.New(subscription.Dependencies{
		Live:      r.live,
		Graph:     r.graph,
		Metrics:   r.metrics,
		Elections: r.store,
		Holder:    r.name,
		Sends:     r.engine.Token,
		Clock:     r.clock,
		Log:       r.log,
	})
	r.retention = retention.New(retention.Dependencies{
		Store:  r.store,
		Holder: r.name,
		Live:   r.live,
		Clock:  r.clock,
		Log:    r.log,
	})

	backedUp, _ := r.store.(store.BackedUp)
	r.backup = backup.New(backup.Dependencies{
		Store: backedUp,
		Live:  r.live,
		Clock: r.clock,
		Log:   r.log,
	})
}

// watch lets the metrics read the state of the other parts.
func (r *Receiver) watch() {
	r.metrics.WatchBackup(r.backup.State)
	r.metrics.WatchSubscription(r.subscription.Subscription, r.subscription.TokenExpiresAt)
	r.metrics.WatchConfiguration(r.live, r.subscription.Token)
	r.metrics.WatchScopes(r.countedScopes)
}
