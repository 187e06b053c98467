// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
)

const (
	phoneNumberID = "106540352242922"
	businessName  = "Your business"
	// portsToTry is how many ports after the wanted one are tried.
	portsToTry = 20
	// endTimeout bounds the end of requests in progress.
	endTimeout = 2 * time.Second
)

// Options configure a Server.
type Options struct {
	AI AIOptions
	// Dir keeps the receiver's store between runs. Defaults to a temporary folder, which Close removes.
	Dir string
	// Port is the port of the page. If it is taken, the next free one is. 0 selects any free port.
	Port int
	// MessagesKey is the key with which the AI calls the messages API. Defaults to a generated one.
	MessagesKey string
	Version     string
	// Log gets the receiver's log, too. Defaults to none.
	Log *slog.Logger
	// Ticks are the times from a message of the business to its statuses. Defaults to DefaultTicks.
	Ticks Ticks
}

// Server is a receiver between stand-ins, and the page. Open returns one, Close ends it.
type Server struct {
	options Options
	clock   *rig.Clock
	stream  *stream
	journal *journal
	chat    *chat
	faults  *faults
	secrets secrets

	rig   *rig.Rig
	meta  *meta
	ai    *ai
	sink  *backend
	pages net.Listener
	http  *http.Server

	ctx    context.Context //nolint:containedctx // it ends the goroutines of the server
	cancel context.CancelFunc
	// tasks are the goroutines of the server. A message of the business starts those in reports, also while the receiver ends.
	tasks   sync.WaitGroup
	reports sync.WaitGroup
	closed  func() error
}

// Open starts the receiver and everything around it, and listens on the page's port. Run serves.
func Open(ctx context.Context, o Options) (_ *Server, err error) {
	if err := o.AI.Validate(); err != nil {
		return nil, err
	}

	s := newServer(ctx, o)

	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()

	if s.pages, err = listen(ctx, o.Port); err != nil {
		return nil, err
	}

	if s.sink, err = newBackend(ctx, http.HandlerFunc(s.takeNotice)); err != nil {
		return nil, err
	}

	if err := s.startReceiver(ctx); err != nil {
		return nil, err
	}

	if s.options.Dir != "" {
		if err := s.restore(); err != nil {
			return nil, err
		}
	}

	if len(s.chat.listPeople()) == 0 {
		if _, err := s.chat.addPerson(NewPerson{Name: "Ana"}); err != nil {
			return nil, err
		}
	}

	s.http = s.newHTTPServer()
	s.tasks.Go(s.meta.run)
	s.tasks.Go(s.watchHandlers)
	s.tasks.Go(s.ai.watch)

	if s.options.Dir != "" {
		s.tasks.Go(s.keep)
	}

	return s, nil
}

// newServer returns a server without its ports and its receiver.
func newServer(ctx context.Context, o Options) *Server {
	if o.Ticks == (Ticks{}) {
		o.Ticks = DefaultTicks
	}

	clock := rig.NewClock()
	s := &Server{
		options: o,
		clock:   clock,
		stream:  newStream(clock.Now()),
		secrets: newSecrets(o),
	}
	s.chat = &chat{stream: s.stream}
	s.meta = newMeta(s)
	s.journal = &journal{
		stream:   s.stream,
		clock:    clock,
		personOf: s.meta.personOf,
	}
	s.faults = newFaults(s)
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.closed = sync.OnceValue(s.end)

	return s
}

// listen listens on a port of the loopback interface, or on the next free one.
func listen(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig

	last := port + portsToTry
	if port == 0 {
		last = 0
	}

	for next := port; ; next++ {
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(next)))
		if err == nil {
			return l, nil
		}

		if !isTaken(err) || next >= last {
			return nil, fmt.Errorf("listen on a port from %d to %d: %w", port, last, err)
		}
	}
}

// taken are the errors of a port that is in use. The last two are those of Windows, WSAEADDRINUSE and, for a port that the
// system has reserved, WSAEACCES: there, Go defines syscall.EADDRINUSE, but no call returns it.
var taken = []error{syscall.EADDRINUSE, syscall.Errno(10048), syscall.Errno(10013)}

// isTaken reports whether a port is in use by another program.
func isTaken(err error) bool {
	return slices.ContainsFunc(taken, func(known error) bool { return errors.Is(err, known) })
}

// URL returns the address of the page.
func (s *Server) URL() string { return "http://localhost:" + s.port() }

func (s *Server) port() string {
	_, port, _ := net.SplitHostPort(s.pages.Addr().String())

	return port
}

// MessagesURL returns the address of the messages API, and a key of it for the AI.
func (s *Server) MessagesURL() (address, key string) { return s.URL(), s.secrets.assistantKey }

// AccessKey returns the key that a bridge or a flow is called with. It is empty if there is none.
func (s *Server) AccessKey() string { return s.secrets.accessKey }

// AI returns the AI that is asked.
func (s *Server) AI() AI { return s.ai.state() }

// Run serves the page until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1)

	go func() { served <- s.http.Serve(s.pages) }()

	select {
	case err := <-served:
		return fmt.Errorf("serve the page: %w", err)
	case <-ctx.Done():
	}

	s.stream.close()

	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()

	if s.http.Shutdown(end) != nil {
		_ = s.http.Close() // a browser that does not read its answer
	}

	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}

	return nil
}

// Close ends everything. Call it after Run has returned, or instead of Run.
func (s *Server) Close() error { return s.closed() }

func (s *Server) end() error {
	s.cancel()
	s.stream.close()

	s.tasks.Wait()
	s.meta.close() // the receiver waits for connections

	var errs []error

	if s.rig != nil {
		errs = append(errs, s.rig.Close())
	}

	s.reports.Wait()
	s.meta.close()

	if s.http != nil && s.options.Dir != "" {
		errs = append(errs, s.save()) // nothing changes the chat from here on
	}

	if s.ai != nil {
		s.ai.close()
	}

	if s.sink != nil {
		s.sink.close()
	}

	if s.pages != nil {
		_ = s.pages.Close() // Run has closed it, if it ran
	}

	return errors.Join(errs...)
}
