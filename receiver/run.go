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
	jobs := consoleapi.NewJobs(r.clock, r.log)
	defer jobs.Close()

	s, err := r.newServers(jobs)
	if err != nil {
		return err
	}

	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var running sync.WaitGroup

	r.serve(s, &running, cancel)
	processed := r.process(run, &running)

	r.log.Info("receiver started",
		logevent.Key, logevent.ReceiverStarted,
		"version", r.version,
		"webhook", r.WebhookAddr(),
		"admin", r.AdminAddr(),
		"console", r.ConsoleAddr(),
		"messages", r.MessagesAddr())

	<-run.Done()

	err = context.Cause(run)
	if ctx.Err() != nil {
		err = nil // the caller ended the run, which is not an error
	}

	err = errors.Join(err, r.drain(context.WithoutCancel(ctx), s, processed))

	running.Wait()
	r.log.Info("receiver ended")

	return err
}

// servers are the HTTP servers of a run, besides that of the admin port.
type servers struct{ webhook, console, messages *http.Server }

func (r *Receiver) newServers(jobs *consoleapi.Jobs) (servers, error) {
	messagesAPI := r.newMessagesAPI()

	pages, err := r.consoleHandler(jobs, messagesAPI)
	if err != nil {
		return servers{}, err
	}

	errorLog := r.edge.ErrorLog()

	return servers{
		webhook:  webhookServer(r.edge, errorLog),
		console:  consoleServer(pages, errorLog),
		messages: server(messagesAPI, errorLog),
	}, nil
}

// serve serves all ports. A server that fails cancels the run.
func (r *Receiver) serve(s servers, running *sync.WaitGroup, cancel context.CancelCauseFunc) {
	serve := func(s *http.Server, l net.Listener) {
		running.Go(func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("serve on %s: %w", l.Addr(), err))
			}
		})
	}

	serve(s.webhook, r.edge.Secure(r.limit(s.webhook, r.webhook, webhookConnections)))
	serve(s.console, r.limit(s.console, r.console, clusterConnections))

	if r.messages != nil {
		serve(s.messages, r.limit(s.messages, r.messages, clusterConnections))
	}

	running.Go(func() {
		if err := r.admin.wait(); err != nil {
			cancel(err)
		}
	})
}

// process starts the engine and the jobs beside it. The channel is closed when the engine has ended.
func (r *Receiver) process(run context.Context, running *sync.WaitGroup) (processed <-chan struct{}) {
	running.Go(func() { r.live.Watch(run) })
	running.Go(func() { r.subscription.Run(run) })
	running.Go(func() { r.retention.Run(run) })
	running.Go(func() { r.backup.Run(run) })
	running.Go(func() { r.lastHour.Run(run) })

	ended := make(chan struct{})

	running.Go(func() {
		defer close(ended)

		r.engine.Run(run, func() time.Duration { return r.live.Current().Shutdown.DrainTimeout })
	})

	return ended
}

// drain lets requests and conversations in progress finish.
func (r *Receiver) drain(ctx context.Context, s servers, processed <-chan struct{}) error {
	r.draining.Store(true)
	r.questions.Close() // their streams would outlast the drain

	ctx, done := context.WithTimeout(ctx, r.live.Current().Shutdown.DrainTimeout+time.Second)
	defer done()

	err := errors.Join(
		shutdown(ctx, s.webhook),
		shutdown(ctx, s.messages),
		shutdown(ctx, s.console))

	<-processed

	return errors.Join(err, shutdown(ctx, r.admin.http)) // last, so that probes and metrics cover the drain
}
