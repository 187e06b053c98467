// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the path of a message on one machine, without a cluster. It renders a WhatsAppWebhook with the
// operator's own builders, runs the receiver from the rendered configuration between stand-ins for Meta and Bird, sends
// deliveries to it and prints the results. It exits with 1 if a check fails.
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
	resources := flag.String("resources", "config/samples/demo",
		"`DIR` of the WhatsAppWebhook and its Secrets, as for kubectl apply")
	deliveries := flag.String("deliveries", "",
		"also deliver every JSON file of `DIR`, signed, each to an empty receiver, and print how its events are handled")
	keep := flag.Bool("keep", false, "keep running after the demo, to try it with curl")
	verbose := flag.Bool("v", false, "print the receiver's log")

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

func run(
	ctx context.Context,
	resources, deliveries string,
	keep, verbose bool,
) (ok bool, err error) {
	dir, err := os.MkdirTemp("", "whatsapp-webhook-demo-")
	if err != nil {
		return false, fmt.Errorf("create a folder for the demo: %w", err)
	}
	defer os.RemoveAll(dir)

	pod, err := render(resources, dir)
	if err != nil {
		return false, err
	}

	d, err := open(ctx, pod, verbose)
	if err != nil {
		return false, err
	}
	defer d.close()

	d.introduce()
	d.play(ctx)
	d.health(ctx)

	if deliveries != "" {
		d.postAll(ctx, deliveries)
	}

	d.printSummary()

	if keep && ctx.Err() == nil {
		d.stayUp(ctx)
	}

	return d.failed == 0, nil
}
