// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"cmp"
	"crypto/rand"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// liveTimeout is how long a model has for one answer: one on a machine without a graphics card is slow.
const liveTimeout = 4 * time.Minute

// FallbackText is what a person gets if the AI's answer cannot be used.
const FallbackText = "We are sorry, this takes longer than usual."

// secrets are the secrets of one run.
type secrets struct {
	accessToken  string
	appSecret    string
	verifyToken  string
	accessKey    string // of the bridge or the flow
	modelKey     string
	assistantKey string
	deskKey      string
	handoffKey   string
}

func newSecrets(options Options) secrets {
	o := options.AI
	made := secrets{
		accessToken:  rand.Text(),
		appSecret:    rand.Text(),
		verifyToken:  rand.Text(),
		assistantKey: cmp.Or(options.MessagesKey, rand.Text()),
		deskKey:      rand.Text(),
		handoffKey:   rand.Text(),
	}

	switch {
	case o.Kind == KindOpenAI:
		made.modelKey = o.Key
	case o.Key != "" || o.Kind == KindFlow:
		made.accessKey = o.Key
	default:
		made.accessKey = rand.Text()
	}

	return made
}

// byRole returns the values that the receiver reads.
func (s secrets) byRole() map[string]string {
	values := map[string]string{
		config.RoleAccessToken:  s.accessToken,
		config.RoleAppSecret:    s.appSecret,
		config.RoleVerifyToken:  s.verifyToken,
		config.RoleAssistantKey: s.assistantKey,
		config.RoleDeskKey:      s.deskKey,
		config.RoleHandoffKey:   s.handoffKey,
	}

	if s.accessKey != "" {
		values[config.RoleBirdAccessKey] = s.accessKey
	}

	if s.modelKey != "" {
		values[config.RoleOpenAIKey] = s.modelKey
	}

	return values
}

// configuration returns the receiver's configuration, except for what the rig and connectAI know. Its waits are shorter
// than in production, so that a developer sees the end of a fault.
func (s *Server) configuration() config.Config {
	breaker := config.CircuitBreaker{OpenDuration: 5 * time.Second}
	c := config.Config{
		CloudAPI:    config.CloudAPI{PhoneNumberIDs: []string{phoneNumberID}},
		MessagesAPI: &config.MessagesAPI{Roles: []config.MessagesRole{config.MessagesAssistant, config.MessagesDesk}},
		Handoff:     config.Handoff{URL: "http://desk.invalid"}, // the rig replaces it
		Processing: config.Processing{
			Poll:               250 * time.Millisecond,
			ConfigurationRetry: 5 * time.Second,
			AmbiguousWindow:    10 * time.Second,
			FallbackText:       FallbackText,
		},
		Notifications: config.Notifications{SinkURL: s.sink.url},
		Shutdown:      config.Shutdown{DrainTimeout: endTimeout},
	}

	switch s.options.AI.Kind {
	case KindOpenAI:
		c.OpenAI = &config.OpenAI{
			Model:              s.options.AI.Model,
			TranscriptionModel: s.options.AI.TranscriptionModel,
			InstructionsFile:   s.options.AI.InstructionsFile,
			Timeout:            liveTimeout,
			CircuitBreaker:     breaker,
		}
		if s.secrets.modelKey == "" {
			c.OpenAI.AuthScheme = config.AuthNone
		}
	case KindFlow:
		c.Bird.Protocol = config.ProtocolFlow
		c.Bird.CircuitBreaker = breaker

		if s.secrets.accessKey == "" {
			c.Bird.AuthScheme = config.AuthNone
		}
	default:
		c.Bird.CircuitBreaker = breaker
		// The contract leaves it off, since each such message is a call. Here a developer wants to see it.
		c.Bird.Endpoints = map[string]config.Endpoint{"process_other_message": {Enabled: new(true)}}
	}

	return c
}

// connectAI lets the receiver ask the AI through the proxy, which records the questions.
func (s *Server) connectAI(c *config.Config) {
	if c.OpenAI != nil {
		c.OpenAI.BaseURL = s.ai.url()
		return
	}

	c.Bird.BaseURL = s.ai.url()
}
