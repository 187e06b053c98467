// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The kinds of AIs.
const (
	KindEcho   = "echo"   // a stand-in that repeats what the person says
	KindBridge = "bridge" // a bridge with the Bird contract
	KindFlow   = "flow"   // a flow with one URL
	KindOpenAI = "openai" // a server of models
)

const (
	dialTimeout = 3 * time.Second
	// redialDelay is the wait between two attempts to reach an AI that was not there.
	redialDelay = 2 * time.Second
)

// AIOptions select the AI.
type AIOptions struct {
	Kind string // defaults to KindEcho
	URL  string // of all but KindEcho
	// Key is the access key of a bridge, the bearer token of a flow, or the key of a model. A bridge without one is called
	// with a generated one, the others with none.
	Key                       string
	Model, TranscriptionModel string
	// InstructionsFile is the absolute path of a file with the instructions for the model.
	InstructionsFile string
}

// Validate returns an error if there is no such AI. It fills the defaults.
func (o *AIOptions) Validate() error {
	if o.Kind == "" {
		o.Kind = KindEcho
	}

	if o.Kind == KindEcho {
		return nil
	}

	target, err := url.Parse(o.URL)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return fmt.Errorf("--%s %q is not a URL: give one such as http://localhost:8000", o.Kind, o.URL)
	}

	if o.Kind == KindOpenAI && o.Model == "" {
		return fmt.Errorf("--openai needs --model, the name of a model at %s", o.URL)
	}

	return nil
}

// ai is the proxy in front of the AI. It records the questions, and injects the faults of an AI.
type ai struct {
	server  *Server
	target  *url.URL
	proxy   *httputil.ReverseProxy
	backend *backend

	mu      sync.Mutex
	problem string
}

func newAI(ctx context.Context, s *Server) (*ai, error) {
	address := s.options.AI.URL
	if s.options.AI.Kind == KindEcho {
		address = s.rig.BirdURL()
	}

	target, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read the URL of the AI: %w", err)
	}

	a := &ai{server: s, target: target}
	a.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			// The receiver asks the proxy with the path and the query of the AI.
			r.Out.URL.Scheme = target.Scheme
			r.Out.URL.Host = target.Host
			r.Out.Host = ""
		},
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout: dialTimeout,
			MaxIdleConns:        16,
			IdleConnTimeout:     time.Minute,
		},
		ModifyResponse: func(*http.Response) error {
			a.setProblem("")
			return nil
		},
		ErrorHandler: a.unreachable,
		ErrorLog:     quiet,
	}

	if a.backend, err = newBackend(ctx, http.HandlerFunc(a.serve)); err != nil {
		return nil, err
	}

	return a, nil
}

// url returns the URL that the receiver asks: that of the AI at the proxy.
func (a *ai) url() string {
	address := *a.target
	address.Scheme = "http"
	address.Host = strings.TrimPrefix(a.backend.url, "http://")

	return address.String()
}

// address returns the URL of a question at the AI.
func (a *ai) address(r *http.Request) string {
	return (&url.URL{
		Scheme: a.target.Scheme,
		Host:   a.target.Host,
		Path:   r.URL.Path,
	}).String()
}

func (a *ai) close() {
	a.backend.close()
	a.proxy.Transport.(*http.Transport).CloseIdleConnections()
}

// state describes the AI.
func (a *ai) state() AI {
	a.mu.Lock()
	defer a.mu.Unlock()

	o := a.server.options.AI

	return AI{
		Kind:    o.Kind,
		URL:     o.URL,
		Model:   o.Model,
		Problem: a.problem,
	}
}

// setProblem sets the reason for which the AI cannot be asked, and adds a trace if it has changed.
func (a *ai) setProblem(problem string) {
	a.mu.Lock()
	changed := a.problem != problem
	a.problem = problem
	a.mu.Unlock()

	if !changed {
		return
	}

	a.server.stream.publish(StreamAI, a.state())

	t := Trace{
		Kind:  TraceServer,
		Level: LevelOK,
		Title: "The AI is reachable",
	}
	if problem != "" {
		t.Level = LevelWarning
		t.Title = "The AI cannot be reached"
		t.Detail = problem
	}

	a.server.journal.add(t)
}

// watch tries to reach the AI at the start, and while it cannot be reached. A developer may start it later.
func (a *ai) watch() {
	if a.server.options.AI.Kind == KindEcho {
		return
	}

	for first := true; ; first = false {
		if (first || a.state().Problem != "") && a.dial(a.server.ctx) {
			a.setProblem("")
		}

		select {
		case <-a.server.ctx.Done():
			return
		case <-time.After(redialDelay):
		}
	}
}

// dial reports whether the AI can be reached now.
func (a *ai) dial(ctx context.Context) bool {
	if proxied, err := http.ProxyFromEnvironment(&http.Request{URL: a.target}); err != nil || proxied != nil {
		return true // the first question shows it
	}

	port := a.target.Port()
	if port == "" {
		port = a.target.Scheme // the names of the services are http and https
	}

	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()

	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(a.target.Hostname(), port))
	if err != nil {
		if a.server.ctx.Err() == nil {
			a.setProblem(whyUnreachable(a.target, err))
		}

		return false
	}

	_ = connection.Close()

	return true
}

func whyUnreachable(target *url.URL, err error) string {
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		err = operation.Err
	}

	return fmt.Sprintf("nothing answers at %s (%v): start it, or correct the URL. Messages wait meanwhile", target.Host, err)
}
