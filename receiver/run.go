// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
)

// Run serves and processes until ctx ends. Then it drains: it takes no new work, and requests and conversations in
// progress finish.
func (r *Receiver) Run(ctx context.Context) error {
	webhook := webhookServer(r.edge, r.edge.ErrorLog())

	jobs := consoleapi.NewJobs(r.clock, r.log)
	defer jobs.Close()

	messagesAPI := r.newMessagesAPI()

	pages, err := r.consoleHandler(jobs, messagesAPI)
	if err != nil {
		return err
	}

	console := server(pages, r.edge.ErrorLog())

	messages := server(nil, r.edge.ErrorLog())

	webhookListener := r.edge.Secure(r.limit(webhook, r.webhook, webhookConnections))
	consoleListener := r.limit(console, r.console, clusterConnections)

	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	serve := func(s *http.Server, l net.Listener) {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("serve on %s: %w", l.Addr(), err))
		}
	}

	var parts sync.WaitGroup

	parts.Go(func() { serve(webhook, webhookListener) })
	parts.Go(func() {
		if err := r.admin.wait(); err != nil {
			cancel(err)
		}
	})
	parts.Go(func() { serve(console, consoleListener) })

	if r.messages != nil {
		messages.Handler = messagesAPI
		messagesListener := r.limit(messages, r.messages, clusterConnections)

		parts.Go(func() { serve(messages, messagesListener) })
	}

	parts.Go(func() { r.live.Watch(run) })
	parts.Go(func() { r.subscription.Run(run) })
	parts.Go(func() { r.retention.Run(run) })
	parts.Go(func() { r.backup.Run(run) })
	parts.Go(func() { r.lastHour.Run(run) })

	processed := make(chan struct{})

	parts.Go(func() {
		defer close(processed)

		r.engine.Run(run, func() time.Duration { return r.live.Current().Shutdown.DrainTimeout })
	})
	r.log.Info("receiver started",
		logevent.Key, logevent.ReceiverStarted,
		"version", r.version,
		"webhook", r.WebhookAddr(),
		"admin", r.AdminAddr(),
		"console", r.ConsoleAddr(),
		"messages", r.MessagesAddr())

	<-run.Done()
	r.draining.Store(true)
	r.questions.Close() // their streams would outlast the drain

	drainTimeout := r.live.Current().Shutdown.DrainTimeout + time.Second
	shutdownCtx, done := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)

	defer done()

	err = context.Cause(run)
	if ctx.Err() != nil {
		err = nil // the caller ended the run, which is no error
	}

	err = errors.Join(err,
		shutdown(shutdownCtx, webhook),
		shutdown(shutdownCtx, messages),
		shutdown(shutdownCtx, console))

	<-processed

	err = errors.Join(err, shutdown(shutdownCtx, r.admin.http)) // last, so that probes and metrics cover the drain

	parts.Wait()
	r.log.Info("receiver ended")

	return err
}
