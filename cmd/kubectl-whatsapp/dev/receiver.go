// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// keptCalls is how many calls each stand-in retains: the journal has them, too.
const keptCalls = 100

// startReceiver starts the stand-ins, the proxy in front of the AI, and the receiver.
func (s *Server) startReceiver(ctx context.Context) error {
	if err := s.makeDir(); err != nil {
		return err
	}

	r, err := rig.New(s.rigOptions())
	if err != nil {
		return err
	}

	s.rig = r
	r.WrapGraph(s.observeGraph)
	r.WrapDesk(s.observeDesk)

	if s.ai, err = newAI(ctx, s); err != nil {
		return err
	}

	s.connectAI(&r.Config)

	for role, value := range s.secrets.byRole() {
		if err := r.Folder.WriteSecret(role, "0", value); err != nil {
			return err
		}
	}

	return r.Start(ctx)
}

// makeDir creates the folder of the store, if one is configured.
func (s *Server) makeDir() error {
	if s.options.Dir == "" {
		return nil
	}

	dir, err := filepath.Abs(s.options.Dir)
	if err != nil {
		return fmt.Errorf("find the folder of the store: %w", err)
	}

	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create the folder of the store: %w", err)
	}

	s.options.Dir = dir

	return nil
}

func (s *Server) rigOptions() rig.Options {
	return rig.Options{
		Dir:    s.options.Dir,
		Config: s.configuration(),
		Graph: standin.GraphOptions{
			AccessTokens:   []string{s.secrets.accessToken},
			AppSecret:      s.secrets.appSecret,
			PhoneNumberIDs: []string{phoneNumberID},
			Rules: standin.Rules{
				RequireAppSecret: true,
				Window:           true,
				KnownContext:     true,
			},
			StatusSink: s.meta.sent,
			Keep:       keptCalls,
		},
		Bird: standin.BirdOptions{
			Reply:    Reply,
			Messages: func() standin.MessagesAPI { return s.rig.MessagesAPI(s.secrets.assistantKey) },
			Keep:     keptCalls,
		},
		Flow:   standin.FlowOptions{Keep: keptCalls},
		OpenAI: standin.OpenAIOptions{Keep: keptCalls},
		Desk: standin.DeskOptions{
			Reply:    standin.EchoDesk,
			Messages: func() standin.MessagesAPI { return s.rig.MessagesAPI(s.secrets.deskKey) },
			Keep:     keptCalls,
		},
		Log:     slog.New(newLogObserver(s)),
		Clock:   s.clock,
		Version: s.options.Version,
	}
}
