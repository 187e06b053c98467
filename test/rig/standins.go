// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// StandIns are Meta's Graph API and Bird, each on a server of its own.
type StandIns struct {
	Graph *standin.Graph
	Bird  *standin.Bird

	graphServer, birdServer *server
}

// NewStandIns starts both stand-ins on free ports of the loopback interface.
func NewStandIns(graph standin.GraphOptions, bird standin.BirdOptions) *StandIns {
	s := &StandIns{
		Graph: standin.NewGraph(graph),
		Bird:  standin.NewBird(bird),
	}
	s.graphServer = newServer(s.Graph)
	s.birdServer = newServer(s.Bird)

	return s
}

// GraphURL returns the address of Meta's Graph API.
func (s *StandIns) GraphURL() string { return s.graphServer.URL }

// BirdURL returns the address of Bird.
func (s *StandIns) BirdURL() string { return s.birdServer.URL }

// WrapGraph puts a handler in front of Meta's stand-in, or in its place.
func (s *StandIns) WrapGraph(wrap func(next http.Handler) http.Handler) { s.graphServer.wrap(wrap) }

// WrapBird puts a handler in front of Bird's stand-in, or in its place.
func (s *StandIns) WrapBird(wrap func(next http.Handler) http.Handler) { s.birdServer.wrap(wrap) }

// Connect returns the configuration with the addresses of the stand-ins.
func (s *StandIns) Connect(c config.Config) config.Config {
	c.CloudAPI.BaseURL = s.GraphURL()
	c.Bird.BaseURL = s.BirdURL()

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
	s.graphServer.Close()
	s.birdServer.Close()
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
