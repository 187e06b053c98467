// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// subcommand is a task for the store of a stopped receiver.
type subcommand interface {
	// check returns the fault of the flags, besides which there are further arguments.
	check(further int) error
	// run does the work.
	run(ctx context.Context) error
}

func newFlags(name, usage string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }

	return flags
}

// runSubcommand parses the arguments, runs a subcommand until it ends or a signal arrives, and returns the exit code.
func runSubcommand(flags *flag.FlagSet, args []string, c subcommand) int {
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}

	if err := c.check(flags.NArg()); err != nil {
		fmt.Fprintf(os.Stderr, "receiver %s: %v\n", flags.Name(), err)
		flags.Usage()

		return 2
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if err := c.run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "receiver %s: %v\n", flags.Name(), err)
		return 1
	}

	return 0
}
