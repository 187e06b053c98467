// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"net/http"
	"net/http/httptest"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// StandInOptions configure the stand-ins for Meta and Bird.
type StandInOptions struct {
	Graph standin.GraphOptions
	Bird  standin.BirdOptions
	// WrapGraph and WrapBird, if set, return the handler that is served in place of the stand-in.
	WrapGraph func(*standin.Graph) http.Handler
	WrapBird  func(*standin.Bird) http.Handler
}

// StandIns are Meta's Graph API and Bird, each on a server of its own.
type StandIns struct {
	Graph    *standin.Graph
	Bird     *standin.Bird
	GraphURL string
	BirdURL  string

	servers []*httptest.Server
}

// NewStandIns starts both stand-ins on free ports of the loopback interface.
func NewStandIns(o StandInOptions) *StandIns {
	s := &StandIns{
		Graph: standin.NewGraph(o.Graph),
		Bird:  standin.NewBird(o.Bird),
	}

	var (
		graph http.Handler = s.Graph
		bird  http.Handler = s.Bird
	)

	if o.WrapGraph != nil {
		graph = o.WrapGraph(s.Graph)
	}

	if o.WrapBird != nil {
		bird = o.WrapBird(s.Bird)
	}

	s.GraphURL = s.serve(graph)
	s.BirdURL = s.serve(bird)

	return s
}

func (s *StandIns) serve(handler http.Handler) string {
	server := httptest.NewServer(handler)
	s.servers = append(s.servers, server)

	return server.URL
}

// Connect returns the configuration with the addresses of the stand-ins.
func (s *StandIns) Connect(c config.Config) config.Config {
	c.CloudAPI.BaseURL = s.GraphURL
	c.Bird.BaseURL = s.BirdURL

	return c
}

// Release ends every call that a fault holds.
func (s *StandIns) Release() {
	s.Graph.Close()
	s.Bird.Close()
}

// Close ends both servers. Later calls do nothing.
func (s *StandIns) Close() {
	s.Release()

	for _, server := range s.servers {
		server.CloseClientConnections()
		server.Close()
	}

	s.servers = nil
}
