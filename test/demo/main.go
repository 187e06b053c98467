// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the whole path on one machine, without a cluster: it renders a WhatsAppWebhook with the operator's
// own builders, runs the receiver from the rendered configuration between stand-ins for Meta and Bird, plays deliveries
// to it and prints what happened. It exits with 1 when anything went otherwise than it should.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	resources := flag.String("resources", "config/samples/demo", "`DIR` of the WhatsAppWebhook and its Secrets, as for kubectl apply")
	deliveries := flag.String("deliveries", "", "post every file of `DIR` too, signed, and check that each event is in the store")
	keep := flag.Bool("keep", false, "stay up afterwards, for trying it with curl")
	verbose := flag.Bool("v", false, "show the receiver's own log")

	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	ok, err := run(ctx, *resources, *deliveries, *keep, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}

	if err != nil || !ok {
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, resources, deliveries string, keep, verbose bool) (ok bool, err error) {
	dir, err := os.MkdirTemp("", "whatsapp-webhook-demo-")
	if err != nil {
		return false, fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer os.RemoveAll(dir)

	pod, err := render(resources, dir)
	if err != nil {
		return false, err
	}

	s, err := open(ctx, pod, verbose)
	if err != nil {
		return false, err
	}
	defer s.close()

	s.introduce()
	s.play(ctx)
	s.health(ctx)

	if deliveries != "" {
		s.postAll(ctx, deliveries)
	}

	s.sum()

	if keep && ctx.Err() == nil {
		s.keep(ctx)
	}

	return s.failed == 0, nil
}
