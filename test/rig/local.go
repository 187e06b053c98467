// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"log/slog"
	"sync"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
)

// Local is a receiver that runs in this process.
type Local struct {
	*receiver.Receiver
	probe.Client
	// Live is the receiver's configuration. Reload applies changed files at once.
	Live *config.Live
	// Drain asks the receiver to end and returns at once.
	Drain context.CancelFunc

	ended chan error
	stop  func() error
}

// StartLocal runs a receiver from a configuration file. It outlives ctx: Stop ends it.
func StartLocal(ctx context.Context, file, version string, clock clockwork.Clock, log *slog.Logger) (*Local, error) {
	live, err := config.Open(file, clock, log)
	if err != nil {
		return nil, err
	}

	opened, err := receiver.Open(ctx, live, version, clock, log)
	if err != nil {
		return nil, err
	}

	run, drain := context.WithCancel(context.WithoutCancel(ctx))

	l := &Local{
		Receiver: opened,
		Client:   probe.Client{URL: func() string { return "http://" + opened.AdminAddr() }},
		Live:     live,
		Drain:    drain,
		ended:    make(chan error, 1),
	}
	l.stop = sync.OnceValue(func() error {
		drain()

		err := <-l.ended

		opened.Close()

		return err
	})

	go func() { l.ended <- opened.Run(run) }()

	return l, nil
}

// WebhookURL returns the address for deliveries.
func (l *Local) WebhookURL() string {
	return "http://" + l.WebhookAddr() + l.Live.Current().Webhook.Path
}

// MessagesURL returns the address of the messages API, or nothing if it is off.
func (l *Local) MessagesURL() string {
	if l.MessagesAddr() == "" {
		return ""
	}

	return "http://" + l.MessagesAddr()
}

// Stop drains the receiver, waits for its end and closes it. Later calls return the same result.
func (l *Local) Stop() error { return l.stop() }
