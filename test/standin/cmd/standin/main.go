// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command standin serves the stand-ins for Meta's Graph API and for Bird, and sends Meta's deliveries to a receiver. Each
// has a control API:
//
//	GET    /_standin/healthz
//	GET    /_standin/calls?method=POST&path=/123/messages   recorded calls; DELETE removes them
//	GET    /_standin/sent                                   messages sent (Graph)
//	GET    /_standin/asked                                  requests to the AI (Bird)
//	GET    /_standin/faults                                 active faults; DELETE removes all, DELETE /_standin/faults/1 one
//	POST   /_standin/faults                                 {"pathPrefix":"/123/messages","graphError":{"code":130429},"times":1}
//	PUT    /_standin/media/{id}                             stores a medium, by Content-Type and body (Graph)
//	POST   /_standin/load                                   {"name":"a","phoneNumberID":"123","conversations":9,"everyMilliseconds":500}: starts a load (Meta)
//	GET    /_standin/load                                   progress of the load; DELETE ends it (Meta)
//	POST   /_standin/deliver                                delivers the body, signed; ?appSecret= overrides the secret (Meta)
//	POST   /_standin/handshake?verifyToken=a&challenge=1    verifies the callback (Meta)
//	PUT    /_standin/callback                               {"url":"http://receiver/webhooks/whatsapp","appSecret":"s"} (Meta)
//
// A fault has method, pathPrefix, status, body, retryAfter, graphError, delay ("2s"), hang, cut (before, after,
// midbody), afterEffect and times. The control API requires no credential and shows the credentials of the calls: use it
// only with invented secrets and on closed networks.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/meta"
)

const (
	// drainTimeout is how long calls in flight may take at shutdown.
	drainTimeout = 10 * time.Second
	// deliveryTimeout is longer than a receiver takes to answer that it cannot store a delivery.
	deliveryTimeout = 10 * time.Second
	// dialTimeout leaves time for the third connection attempt, which Linux makes after 3 seconds.
	dialTimeout = 5 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	err := run(ctx, os.Args[1:], log)

	stop()

	if err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Error("standin failed", "error", err)
		os.Exit(1)
	}
}

type settings struct {
	graphListen, birdListen, metaListen string
	graph                               standin.GraphOptions
	bird                                standin.BirdOptions
	callbackURL                         string
	statuses                            []string
}

func parse(args []string) (settings, error) {
	var s settings

	flags := flag.NewFlagSet("standin", flag.ContinueOnError)
	flags.StringVar(&s.graphListen, "graph-listen", ":8081", "`ADDRESS` of the Graph API; empty does not serve it")
	flags.StringVar(&s.birdListen, "bird-listen", ":8082", "`ADDRESS` of Bird; empty does not serve it")
	flags.StringVar(&s.metaListen, "meta-listen", "", "`ADDRESS` of the control API of Meta's deliveries; empty does not serve it")
	list(flags, &s.graph.AccessTokens, "access-tokens",
		"access tokens that the Graph API accepts, separated by commas; empty accepts any")
	list(flags, &s.graph.PhoneNumberIDs, "phone-number-ids",
		"phone number ids that exist, separated by commas; empty means all")
	flags.StringVar(&s.graph.AppID, "app-id", "", "id of the app; empty accepts any")
	flags.StringVar(&s.graph.AppSecret, "app-secret", "",
		"secret of the app: part of its access token, and signs deliveries to -callback-url")
	flags.StringVar(&s.graph.PublicURL, "graph-url", "", "scheme and host of media URLs; empty uses those of the request")
	flags.DurationVar(&s.graph.MediaURLLifetime, "media-url-lifetime", 5*time.Minute, "how long a media URL is valid")
	list(flags, &s.bird.AccessKeys, "access-keys", "access keys that Bird accepts, separated by commas; empty accepts any")
	flags.StringVar(&s.callbackURL, "callback-url", "", "URL of the receiver for deliveries and statuses; empty sends none")
	list(flags, &s.statuses, "statuses",
		"statuses to deliver for each sent message, separated by commas (default sent,delivered,read)")

	keep := flags.Int("keep", 10_000, "how many calls and messages are retained; negative only counts them")
	if err := flags.Parse(args); err != nil {
		return s, err
	}

	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: everything is set by flags", flags.Arg(0))
	}

	if s.graphListen == "" && s.birdListen == "" && s.metaListen == "" {
		return s, errors.New("nothing to serve: set -graph-listen, -bird-listen or -meta-listen")
	}

	if s.callbackURL != "" && s.graph.AppSecret == "" {
		return s, errors.New("-callback-url needs -app-secret to sign with")
	}

	if s.statuses == nil {
		s.statuses = []string{"sent", "delivered", "read"}
	}

	s.graph.Keep = *keep
	s.bird.Keep = *keep

	return s, nil
}

// list defines a flag of comma-separated values.
func list(flags *flag.FlagSet, into *[]string, name, usage string) {
	flags.Func(name, usage, func(value string) error {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				*into = append(*into, item)
			}
		}

		return nil
	})
}

// run serves until ctx ends or a server fails.
func run(ctx context.Context, args []string, log *slog.Logger) error {
	s, err := parse(args)
	if err != nil {
		return err
	}

	serving, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var background sync.WaitGroup
	defer background.Wait()

	// Each delivery opens its own connection, since Meta delivers from many hosts.
	client := &http.Client{Timeout: deliveryTimeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       (&net.Dialer{Timeout: dialTimeout}).DialContext,
	}}
	callback := meta.Callback{URL: s.callbackURL, AppSecret: s.graph.AppSecret}
	deliveries := meta.New(client, callback, s.statuses...)
	background.Go(func() { deliveries.Run(serving) })

	s.graph.StatusSink = deliveries.Sink
	graph := standin.NewGraph(s.graph)
	// Meta signs deliveries and checks proofs with one secret.
	deliveries.CallbackSet = func(to meta.Callback) { graph.SetAppSecret(to.AppSecret) }

	bird := standin.NewBird(s.bird)
	for _, part := range []struct {
		name, address string
		handler       http.Handler
		release       func()
	}{
		{"graph", s.graphListen, graph, graph.Close},
		{"bird", s.birdListen, bird, bird.Close},
		{"meta", s.metaListen, deliveries.Handler(), func() {}},
	} {
		if part.address == "" {
			continue
		}

		listener, err := (&net.ListenConfig{}).Listen(serving, "tcp", part.address)
		if err != nil {
			cancel(nil)
			return fmt.Errorf("listening for %s: %w", part.name, err)
		}

		log.Info("serving", "standin", part.name, "address", listener.Addr().String())
		background.Go(func() {
			if err := serve(serving, listener, part.handler, part.release); err != nil {
				cancel(fmt.Errorf("serving %s: %w", part.name, err))
			}
		})
	}

	<-serving.Done()
	background.Wait()

	if ctx.Err() == nil {
		return context.Cause(serving)
	}

	return nil
}

// serve serves until ctx ends. It then releases the calls that faults delay or hang, and waits for the others.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, release func()) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute,
		WriteTimeout:      5 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	ctx, stop := context.WithCancel(ctx)

	var stopping sync.WaitGroup
	defer stopping.Wait()
	defer stop()

	stopping.Go(func() {
		<-ctx.Done()
		release()

		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()

		if server.Shutdown(drain) != nil {
			_ = server.Close()
		}
	})

	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}

	<-ctx.Done()

	return nil
}
