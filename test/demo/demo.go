// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// demo is a running receiver between the stand-ins, and the number of failed checks.
type demo struct {
	*rig.Rig
	pod    *pod
	client *http.Client
	url    string
	failed int // checks

	asked, sent int              // length of the stand-ins' records that is shown already
	failures    map[store.ID]int // and of the history of an event
	said        int              // messages of the conversation
	live        bool             // a real server answers, not a stand-in

	stopStatuses context.CancelFunc
	statuses     sync.WaitGroup
}

// open starts stand-ins and receiver on free ports of the loopback interface. Only addresses and paths differ from the
// rendered configuration, and what adjust changes.
func open(ctx context.Context, p *pod, verbose bool, adjust func(*pod) error) (*demo, error) {
	log := slog.New(slog.DiscardHandler)
	if verbose {
		log = slog.New(slog.NewJSONHandler(os.Stderr, nil))
	}

	d := &demo{
		pod:      p,
		client:   &http.Client{Timeout: stepTimeout},
		failures: map[store.ID]int{},
	}

	p.config.Store.Embedded.Path = filepath.Join(p.dir, "inbox.db")
	p.config.Media.SpoolDir = filepath.Join(p.dir, "media")

	var poster *standin.StatusPoster

	options := d.rigOptions(log)
	options.Graph.StatusSink = func(m standin.SentMessage) { poster.Sink(m) }

	r, err := rig.New(options)
	if err != nil {
		return nil, err
	}

	p.config = r.Config
	d.Rig = r

	if err := adjust(p); err != nil {
		_ = r.Close()
		return nil, err
	}

	r.Config = p.config

	if err := r.Start(ctx); err != nil {
		_ = r.Close()
		return nil, err
	}

	d.url = r.Local.WebhookURL()

	// Meta reports each answer as sent, delivered and read.
	poster = standin.NewStatusPoster(d.client, d.url, p.secrets.AppSecrets[0], "sent", "delivered", "read")

	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stopStatuses = stop
	d.statuses.Go(func() { poster.Run(run) })

	return d, nil
}

func (d *demo) rigOptions(log *slog.Logger) rig.Options {
	p := d.pod

	return rig.Options{
		Dir:    p.dir,
		Config: p.config,
		Graph: standin.GraphOptions{
			AccessTokens: []string{p.secrets.AccessToken},
			AppSecret:    p.secrets.AppSecrets[0],
			Rules:        standin.Rules{RequireAppSecret: true},
		},
		Bird: standin.BirdOptions{
			AccessKeys: []string{p.secrets.BirdAccessKey},
			Messages:   d.messagesAPI,
		},
		Flow: standin.FlowOptions{
			Keys:            []string{p.secrets.BirdAccessKey},
			SigningKeys:     []string{p.secrets.FlowSigningKey},
			SignatureHeader: p.config.Bird.Flow.SignatureHeader,
			Messages:        d.messagesAPI,
		},
		OpenAI: standin.OpenAIOptions{Keys: []string{p.secrets.OpenAIKey}},
		Desk: standin.DeskOptions{
			Keys:     []string{p.secrets.HandoffKey},
			Messages: d.deskMessagesAPI,
		},
		Log:     log,
		Version: "demo",
	}
}

// messagesAPI returns the AI's access to the messages API.
func (d *demo) messagesAPI() standin.MessagesAPI {
	return d.MessagesAPI(first(d.pod.secrets.AssistantKeys))
}

// deskMessagesAPI returns the access of people to the messages API.
func (d *demo) deskMessagesAPI() standin.MessagesAPI {
	return d.MessagesAPI(first(d.pod.secrets.DeskKeys))
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}

	return values[0]
}

func (d *demo) close() {
	d.stopStatuses()
	d.statuses.Wait()

	if err := d.Close(); err != nil {
		d.check(false, "the receiver ended in good order", err.Error())
	}

	d.client.CloseIdleConnections()
}
