//go:build linux

// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package alerts

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	number      = "106540352242922"
	otherNumber = "106540352242923"
	people      = 20
	// busyTimeout bounds what a receiver does for one delivery, and its end. Only a machine that is busy with other tests needs a
	// part of it.
	busyTimeout = time.Minute
)

// subject is a receiver with traffic, between stand-ins.
type subject struct {
	*rig.Rig
	t      *testing.T
	name   string
	server *server
	client *http.Client
	poster *standin.StatusPoster

	mu      sync.Mutex
	address string // of the webhook
	extra   func(n int) []byte
	quiet   bool
}

// options configure a subject.
type options struct {
	config  func(c *config.Config)
	graph   standin.GraphOptions
	reply   func(method string, request map[string]any) any
	without string // role of a secret that is missing
}

// newSubject starts a receiver for a resource, and traffic that lasts until the test ends.
func newSubject(t *testing.T, s *server, name string, o options) *subject {
	t.Helper()

	sub := &subject{
		t:      t,
		name:   name,
		server: s,
		client: &http.Client{Timeout: 2 * busyTimeout},
	}

	var c config.Config

	c.CloudAPI.PhoneNumberIDs = []string{number}
	c.Bird.CircuitBreaker = config.CircuitBreaker{FailureThreshold: 3, OpenDuration: time.Second}
	c.Processing.Retry.BaseDelay = 100 * time.Millisecond
	c.Processing.ConfigurationRetry = time.Second
	c.Processing.Poll = 100 * time.Millisecond
	c.Webhook.IngestTimeout = busyTimeout
	c.Shutdown.DrainTimeout = busyTimeout

	if o.config != nil {
		o.config(&c)
	}

	o.graph.AccessTokens = []string{folder.AccessToken}
	o.graph.StatusSink = func(m standin.SentMessage) {
		sub.mu.Lock()
		defer sub.mu.Unlock()

		sub.poster.Sink(m)
	}

	r, err := rig.New(rig.Options{
		Graph:  o.graph,
		Bird:   standin.BirdOptions{AccessKeys: []string{folder.BirdAccessKey}, Reply: o.reply},
		Dir:    inMemory(t, diskSize),
		Config: c,
	})
	if err != nil {
		t.Fatal(err)
	}

	sub.Rig = r
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}

		sub.client.CloseIdleConnections()
	})

	secrets := map[string]string{
		config.RoleAccessToken:   folder.AccessToken,
		config.RoleAppSecret:     folder.AppSecret,
		config.RoleVerifyToken:   folder.VerifyToken,
		config.RoleBirdAccessKey: folder.BirdAccessKey,
	}
	delete(secrets, o.without)

	for role, value := range secrets {
		if err := r.Folder.WriteSecret(role, "0", value); err != nil {
			t.Fatal(err)
		}
	}

	sub.start()

	run, stop := context.WithCancel(context.WithoutCancel(t.Context()))

	var traffic sync.WaitGroup

	traffic.Go(func() { sub.write(run) })
	traffic.Go(func() { sub.postStatuses(run) })
	t.Cleanup(func() {
		stop()
		traffic.Wait()
	})

	return sub
}

// start starts the receiver, again after it ended, and makes Prometheus scrape it.
func (s *subject) start() {
	s.t.Helper()

	if err := s.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}

	s.mu.Lock()
	s.address = s.Local.WebhookURL()
	s.poster = standin.NewStatusPoster(s.client, s.address, folder.AppSecret, "sent", "delivered", "read")
	s.mu.Unlock()
	s.server.scrape(s.name, s.Local.AdminAddr())
}

// waitScraped waits until Prometheus reaches the receiver.
func (s *subject) waitScraped(t *testing.T) {
	t.Helper()
	until(t, "the receiver is scraped", func() error {
		return s.server.hasValue(fmt.Sprintf(`up{job="%s-admin"} == 1`, s.name))
	})
}

// write delivers a text of one of a few people every 400 ms, until ctx ends. Whether it is accepted is up to the fault.
func (s *subject) write(ctx context.Context) {
	tick := time.NewTicker(400 * time.Millisecond)
	defer tick.Stop()

	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}

		s.mu.Lock()
		address, extra, quiet := s.address, s.extra, s.quiet
		s.mu.Unlock()

		if quiet {
			continue
		}

		person := fmt.Sprintf("5730012345%02d", n%people)
		message := standin.Wamid(fmt.Sprint(s.name, "-", n))
		_, _, _ = standin.Deliver(ctx, s.client, address, folder.AppSecret,
			standin.TextDelivery(number, person, "Ana", message, "hello", time.Now()))

		if extra != nil {
			if body := extra(n); body != nil {
				_, _, _ = standin.Deliver(ctx, s.client, address, folder.AppSecret, body)
			}
		}
	}
}

// postStatuses delivers the statuses of sent messages, until ctx ends.
func (s *subject) postStatuses(ctx context.Context) {
	s.mu.Lock()
	poster := s.poster
	s.mu.Unlock()
	poster.Run(ctx)
}

// also delivers another body with each text; nil delivers none.
func (s *subject) also(extra func(n int) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.extra = extra
}

// pause stops the traffic, or lets it go on.
func (s *subject) pause(quiet bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.quiet = quiet
}

// deliver delivers one body, again if the receiver has no time for it.
func (s *subject) deliver(body []byte) {
	s.t.Helper()
	until(s.t, "a delivery is accepted", func() error {
		status, _, err := standin.Deliver(s.t.Context(), s.client, s.address, folder.AppSecret, body)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("it was answered %d", status)
		}

		return err
	})
}
