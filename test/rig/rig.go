// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rig runs a receiver between stand-ins for Meta, an AI in each protocol and a desk: in this process for tests and
// demonstrations, in its own process for trials that measure or kill it.
package rig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// stopTimeout bounds the end of a child process that was asked to end.
	stopTimeout = 2 * time.Minute
	// callTimeout bounds one call of the messages API.
	callTimeout = 30 * time.Second
)

// Options configure a Rig.
type Options struct {
	Graph standin.GraphOptions
	// Bird, Flow and OpenAI are the AI in each protocol. Config selects which of them is asked. Bird, Flow and Desk answer
	// later through the receiver's messages API unless their options name another.
	Bird   standin.BirdOptions
	Flow   standin.FlowOptions
	OpenAI standin.OpenAIOptions
	Desk   standin.DeskOptions

	// Dir is an existing folder for the receiver's files. Defaults to a temporary folder, which Close removes.
	Dir string
	// Config is the receiver's configuration without ports, paths and the addresses of the stand-ins.
	Config config.Config
	// Secrets are values by role, in addition to those of folder.Layout.
	Secrets map[string]string

	// Binary is the receiver to run in its own process. Without it the receiver runs in this process.
	Binary string
	// Env is added to the environment of that process.
	Env []string
	// LogLine, if set, gets each warning and error that the process logs.
	LogLine func(line string)

	// Log is the log of a receiver in this process. Defaults to none.
	Log *slog.Logger
	// Clock is the clock of a receiver in this process. Defaults to the real one.
	Clock clockwork.Clock
	// Version is the version that a receiver in this process reports.
	Version string
}

// Rig is a receiver between stand-ins, with the folder that it starts from.
type Rig struct {
	*StandIns
	Folder folder.Folder
	// Config and Secrets are what Start writes. Callers may change them before.
	Config  config.Config
	Secrets map[string]string
	// Child is the receiver's process. Nil before Start, after Stop, and without a binary.
	Child *child.Receiver
	// Local is the newest receiver in this process. Nil before Start and with a binary.
	Local *Local

	options   Options
	temporary bool
	caller    *http.Client           // of the messages API
	messages  atomic.Pointer[string] // the address of the newest receiver's messages API
}

// New starts the stand-ins and completes the configuration. The receiver does not run before Start.
func New(o Options) (*Rig, error) {
	r := &Rig{
		Folder:  folder.Folder(o.Dir),
		Secrets: map[string]string{},
		options: o,
		caller:  &http.Client{Timeout: callTimeout, Transport: &http.Transport{}},
	}
	maps.Copy(r.Secrets, o.Secrets)

	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "whatsapp-webhook-rig-")
		if err != nil {
			return nil, fmt.Errorf("create folder of the receiver: %w", err)
		}

		r.Folder = folder.Folder(dir)
		r.temporary = true
	}

	if r.options.Log == nil {
		r.options.Log = slog.New(slog.DiscardHandler)
	}

	if r.options.Clock == nil {
		r.options.Clock = clockwork.NewRealClock()
	}

	if o.Graph.Clock == nil {
		o.Graph.Clock = r.options.Clock // one time for the receiver and for Meta
	}

	for _, access := range []struct {
		key     string
		options []*func() standin.MessagesAPI
	}{
		{folder.AssistantKey, []*func() standin.MessagesAPI{&o.Bird.Messages, &o.Flow.Messages}},
		{folder.DeskKey, []*func() standin.MessagesAPI{&o.Desk.Messages}},
	} {
		for _, option := range access.options {
			if *option == nil {
				*option = func() standin.MessagesAPI { return r.MessagesAPI(access.key) }
			}
		}
	}

	r.StandIns = NewStandIns(StandInOptions{
		Graph:  o.Graph,
		Bird:   o.Bird,
		Flow:   o.Flow,
		OpenAI: o.OpenAI,
		Desk:   o.Desk,
	})
	r.Config = r.Folder.Complete(r.Connect(o.Config))

	return r, nil
}

// Start writes configuration and secrets and runs the receiver. It returns once the receiver listens; a process of its
// own is ready then, too.
func (r *Rig) Start(ctx context.Context) (err error) {
	if r.options.Binary == "" {
		if err := r.Folder.WriteConfig(r.Config); err != nil {
			return err
		}

		r.Local, err = StartLocal(ctx, r.Folder.ConfigFile(), r.options.Version, r.options.Clock, r.options.Log)
		if err == nil {
			r.messages.Store(new(r.Local.MessagesURL()))
		}

		return err
	}

	process, err := child.New(child.Options{
		Binary:  r.options.Binary,
		Dir:     string(r.Folder),
		Config:  r.Config,
		Secrets: r.Secrets,
		Env:     r.options.Env,
		Log:     r.options.LogLine,
	})
	if err != nil {
		return err
	}

	if err := process.Start(ctx); err != nil {
		return err
	}

	r.Child = process
	r.messages.Store(new(process.MessagesURL()))

	return process.WaitReady(ctx)
}

// MessagesAPI returns the access to the messages API of the newest receiver with a key, such as folder.DeskKey.
func (r *Rig) MessagesAPI(key string) standin.MessagesAPI {
	access := standin.MessagesAPI{Key: key, Client: r.caller}
	if address := r.messages.Load(); address != nil {
		access.URL = *address
	}

	return access
}

// Stop ends the receiver in good order.
func (r *Rig) Stop(ctx context.Context) error {
	if r.Local != nil {
		return r.Local.Stop()
	}

	if r.Child == nil {
		return nil
	}

	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()

	process := r.Child
	r.Child = nil

	return process.Stop(ctx)
}

// Close ends everything that still runs, a child process by SIGKILL, and removes a temporary folder.
func (r *Rig) Close() error {
	var errs []error

	if r.Child != nil {
		errs = append(errs, r.Child.Kill())
	}

	r.Release()

	if r.Local != nil {
		errs = append(errs, r.Local.Stop())
	}

	r.StandIns.Close()
	r.caller.CloseIdleConnections()

	if r.temporary {
		errs = append(errs, os.RemoveAll(string(r.Folder)))
	}

	return errors.Join(errs...)
}

// OpenStore opens the store of a configuration whose receivers have ended.
func OpenStore(ctx context.Context, c config.Store, databaseURL string) (store.Store, error) {
	if c.PostgreSQL != nil {
		return postgres.Open(func() postgres.Access { return postgres.Access{URL: databaseURL} }, postgres.Options{}), nil
	}

	return sqlite.Open(ctx, c.Embedded.Path, sqlite.Options{})
}
