// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// StandInOptions configure the stand-ins.
type StandInOptions struct {
	Graph  standin.GraphOptions
	Bird   standin.BirdOptions
	Flow   standin.FlowOptions
	OpenAI standin.OpenAIOptions
	Desk   standin.DeskOptions
}

// StandIns are Meta's Graph API, an AI in each protocol and the software of people, each on its own server.
type StandIns struct {
	Graph  *standin.Graph
	Bird   *standin.Bird
	Flow   *standin.Flow
	OpenAI *standin.OpenAI
	Desk   *standin.Desk

	graphServer, birdServer, flowServer, openAIServer, deskServer *server
}

// NewStandIns starts the stand-ins on free ports of the loopback interface.
func NewStandIns(o StandInOptions) *StandIns {
	s := &StandIns{
		Graph:  standin.NewGraph(o.Graph),
		Bird:   standin.NewBird(o.Bird),
		Flow:   standin.NewFlow(o.Flow),
		OpenAI: standin.NewOpenAI(o.OpenAI),
		Desk:   standin.NewDesk(o.Desk),
	}
	s.graphServer = newServer(s.Graph)
	s.birdServer = newServer(s.Bird)
	s.flowServer = newServer(s.Flow)
	s.openAIServer = newServer(s.OpenAI)
	s.deskServer = newServer(s.Desk)

	return s
}

// GraphURL returns the address of Meta's Graph API.
func (s *StandIns) GraphURL() string { return s.graphServer.URL }

// BirdURL returns the address of Bird.
func (s *StandIns) BirdURL() string { return s.birdServer.URL }

// FlowURL returns the URL of the Flow.
func (s *StandIns) FlowURL() string { return s.flowServer.URL + s.Flow.Path() }

// OpenAIURL returns the URL to which /chat/completions is appended.
func (s *StandIns) OpenAIURL() string { return s.openAIServer.URL + s.OpenAI.BasePath() }

// DeskURL returns the URL of the desk.
func (s *StandIns) DeskURL() string { return s.deskServer.URL + "/whatsapp" }

// WrapGraph puts a handler in front of Meta's stand-in, or in its place.
func (s *StandIns) WrapGraph(wrap func(next http.Handler) http.Handler) { s.graphServer.wrap(wrap) }

// WrapBird puts a handler in front of Bird's stand-in, or in its place.
func (s *StandIns) WrapBird(wrap func(next http.Handler) http.Handler) { s.birdServer.wrap(wrap) }

// WrapFlow puts a handler in front of the Flow.
func (s *StandIns) WrapFlow(wrap func(next http.Handler) http.Handler) { s.flowServer.wrap(wrap) }

// WrapDesk puts a handler in front of the desk.
func (s *StandIns) WrapDesk(wrap func(next http.Handler) http.Handler) { s.deskServer.wrap(wrap) }

// Connect returns the configuration with the addresses of the stand-ins.
func (s *StandIns) Connect(c config.Config) config.Config {
	c.CloudAPI.BaseURL = s.GraphURL()
	c.Bird.BaseURL = ""

	if c.OpenAI != nil {
		model := *c.OpenAI
		model.BaseURL = ""
		c.OpenAI = &model
	}

	return s.ConnectAI(s.ConnectDesk(c))
}

// ConnectDesk returns the configuration with the address of the desk, if it has one.
func (s *StandIns) ConnectDesk(c config.Config) config.Config {
	if c.Handoff.URL != "" {
		c.Handoff.URL = s.DeskURL()
	}

	return c
}

// ConnectAI returns the configuration with the address of the AI of its protocol, unless it has another. A model without a
// name gets that of the stand-in.
func (s *StandIns) ConnectAI(c config.Config) config.Config {
	isStandIn := slices.Contains([]string{"", s.BirdURL(), s.FlowURL()}, c.Bird.BaseURL)

	switch protocol := c.Protocol(); {
	case protocol == config.ProtocolOpenAI:
		model := *c.OpenAI
		model.BaseURL = cmp.Or(model.BaseURL, s.OpenAIURL())
		model.Model = cmp.Or(model.Model, standin.OpenAIModel)
		c.OpenAI = &model
		c.Bird = config.Bird{}
	case protocol == config.ProtocolFlow && isStandIn:
		c.Bird.BaseURL = s.FlowURL()
	case isStandIn:
		c.Bird.BaseURL = s.BirdURL()
	}

	return c
}

// Release ends every call that a fault holds, and the posting of later answers.
func (s *StandIns) Release() {
	s.Graph.Close()
	s.Bird.Close()
	s.Flow.Close()
	s.OpenAI.Close()
	s.Desk.Close()
}

// Close ends all servers. Later calls do nothing.
func (s *StandIns) Close() {
	s.Release()

	for _, each := range []*server{s.graphServer, s.birdServer, s.flowServer, s.openAIServer, s.deskServer} {
		each.Close()
	}
}

// server serves a handler that may be replaced while it runs.
type server struct {
	*httptest.Server
	handler atomic.Pointer[http.Handler]
}

func newServer(handler http.Handler) *server {
	s := &server{}
	s.handler.Store(&handler)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*s.handler.Load()).ServeHTTP(w, r)
	}))

	return s
}

func (s *server) wrap(wrap func(http.Handler) http.Handler) {
	wrapped := wrap(*s.handler.Load())
	s.handler.Store(&wrapped)
}

// Close cuts open connections, which httptest would wait for.
func (s *server) Close() {
	s.CloseClientConnections()
	s.Server.Close()
}
