// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"go.yaml.in/yaml/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// patience bounds the wait for anything that should happen.
const patience = 30 * time.Second

// scene is a running receiver between the stand-ins, and the account of what went wrong.
type scene struct {
	pod      *pod
	graph    *standin.Graph
	bird     *standin.Bird
	receiver *receiver.Receiver
	client   *http.Client
	url      string
	failed   int // checks

	asked, sent int              // how much of the stand-ins' records was told
	failures    map[store.ID]int // and of an event's history

	stop  context.CancelFunc
	parts sync.WaitGroup
	ended error
}

// open starts stand-ins and receiver on free ports of the loopback interface. Only addresses differ from what was
// rendered.
func open(ctx context.Context, p *pod, verbose bool) (_ *scene, err error) {
	run, stop := context.WithCancel(context.WithoutCancel(ctx))

	s := &scene{
		pod:      p,
		client:   &http.Client{Timeout: patience},
		stop:     stop,
		failures: map[store.ID]int{},
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()

	var listen net.ListenConfig

	serve := func(handler http.Handler) (string, error) {
		listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", fmt.Errorf("start a stand-in: %w", err)
		}

		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
		s.parts.Go(func() { _ = server.Serve(listener) })
		s.parts.Go(func() { <-run.Done(); _ = server.Close() })

		return "http://" + listener.Addr().String(), nil
	}

	var sink func(standin.SentMessage)

	s.graph = standin.NewGraph(standin.GraphOptions{
		AccessTokens: []string{p.secrets.AccessToken},
		StatusSink:   func(m standin.SentMessage) { sink(m) },
	})

	s.bird = standin.NewBird(standin.BirdOptions{AccessKeys: []string{p.secrets.BirdAccessKey}})
	if p.config.CloudAPI.BaseURL, err = serve(s.graph); err != nil {
		return nil, err
	}

	if p.config.Bird.BaseURL, err = serve(s.bird); err != nil {
		return nil, err
	}

	p.config.Listen = config.Listen{
		Webhook: "127.0.0.1:0",
		Admin:   "127.0.0.1:0",
		Console: "127.0.0.1:0",
	}
	p.config.SecretsDir = p.secretsDir()
	p.config.Store.Embedded.Path = filepath.Join(p.dir, "inbox.db")
	p.config.Media.SpoolDir = filepath.Join(p.dir, "media")
	file := filepath.Join(p.dir, "receiver.yaml")

	data, err := yaml.Marshal(p.config)
	if err != nil {
		return nil, fmt.Errorf("write the receiver's configuration: %w", err)
	}

	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, fmt.Errorf("write the receiver's configuration: %w", err)
	}

	log := slog.New(slog.DiscardHandler)
	clock := clockwork.NewRealClock()

	if verbose {
		log = slog.New(slog.NewJSONHandler(os.Stderr, nil))
	}

	live, err := config.Open(file, clock, log)
	if err != nil {
		return nil, err
	}

	if s.receiver, err = receiver.Open(ctx, live, "demo", clock, log); err != nil {
		return nil, err
	}

	s.url = "http://" + s.receiver.WebhookAddr() + p.config.Webhook.Path
	// Meta tells that each answer was sent, delivered and read.
	poster := standin.NewStatusPoster(s.client, s.url, p.secrets.AppSecrets[0], "sent", "delivered", "read")
	sink = poster.Sink
	s.parts.Go(func() { poster.Run(run) })
	s.parts.Go(func() { s.ended = s.receiver.Run(run) })

	return s, nil
}

func (s *scene) close() {
	s.stop()

	if s.graph != nil {
		s.graph.Close()
	}

	if s.bird != nil {
		s.bird.Close()
	}

	s.parts.Wait()

	if s.receiver != nil {
		s.receiver.Close()
	}

	s.client.CloseIdleConnections()

	if s.ended != nil && !errors.Is(s.ended, context.Canceled) {
		s.check(false, "the receiver ended in good order", s.ended.Error())
	}
}
