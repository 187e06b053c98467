// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command overload proves that a receiver loses nothing when the load exceeds its capacity or its storage fails. It runs
// the real binary between stand-ins for Meta and Bird. At the end it looks up every message that was answered 200: each
// has to be stored, processed, and answered once.
//
// It exits with 1 when a promise is broken.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
)

// The store engines.
const (
	embedded   = "embedded"
	postgresql = "postgresql"
)

// trial is one scenario with one store.
type trial struct {
	settings
	span                    time.Duration
	connections             int
	factor                  float64
	maxLatency, probe, down time.Duration
	memory                  int64 // bytes
	ownMounts               bool
}

// scenario is one kind of overload or failure.
type scenario struct {
	name   string
	stores []string
	run    func(context.Context, trial) ([]finding, error)
	mounts bool // needs its own mounts
}

var scenarios = []scenario{
	{
		name:   "overload",
		stores: []string{embedded, postgresql},
		run:    overload,
	},
	{
		name:   "disk-full",
		stores: []string{embedded},
		run:    diskFull,
		mounts: true,
	},
	{
		name:   "read-only",
		stores: []string{embedded},
		run:    readOnly,
		mounts: true,
	},
	{
		name:   "database-gone",
		stores: []string{postgresql},
		run:    databaseGone,
	},
	{
		name:   "slow-sync",
		stores: []string{embedded, postgresql},
		run:    slowSync,
	},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, os.Args[1:])

	stop()

	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "overload:", err)
		os.Exit(2)
	case !ok:
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (bool, error) {
	t := trial{}
	flags := flag.NewFlagSet("overload", flag.ContinueOnError)
	names := flags.String("scenario", "", "scenarios to run, separated by commas (default all: "+strings.Join(scenarioNames(), ",")+")")
	engine := flags.String("store", "", "embedded or postgresql (default both, where the scenario supports both)")
	flags.DurationVar(&t.span, "for", time.Minute, "overload: how long it lasts")
	flags.DurationVar(&t.probe, "probe", 5*time.Second, "overload and slow-sync: how long throughput is measured")
	flags.DurationVar(&t.down, "down", 5*time.Second, "how long storage fails")
	flags.IntVar(&t.connections, "connections", 448, "overload: `N` connections for deliveries; a receiver accepts 512")
	flags.Float64Var(&t.factor, "factor", 2, "overload: offered load, as a multiple of the capacity")
	flags.DurationVar(&t.maxLatency, "p99", time.Second, "overload: limit for the 99th percentile of deliveries that are answered 200")
	flags.Int64Var(&t.memory, "memory", 256<<20, "overload: limit for the memory of the receiver in `BYTES`, as in the chart")
	flags.StringVar(&t.binary, "binary", "", "`FILE` of the receiver, to try another build (default: build it)")
	flags.BoolVar(&t.verbose, "v", false, "show the receiver's warnings and errors")

	if err := flags.Parse(args); err != nil {
		return false, err
	}

	if flags.NArg() > 0 || *engine != "" && *engine != embedded && *engine != postgresql {
		return false, fmt.Errorf("-store must be %s or %s, and there are no arguments besides flags: see -h", embedded, postgresql)
	}

	chosen, err := choose(*names)
	if err != nil {
		return false, err
	}

	if t.binary == "" {
		dir, err := os.MkdirTemp("", "overload-")
		if err != nil {
			return false, fmt.Errorf("create folder of the receiver's binary: %w", err)
		}
		defer os.RemoveAll(dir)

		if t.binary, err = child.Build(ctx, dir); err != nil {
			return false, err
		}
	}

	return t.all(ctx, chosen, *engine, args)
}

// all runs scenarios, with one store or with every store that they support, and reports whether every promise held.
func (t trial) all(ctx context.Context, chosen []scenario, engine string, args []string) (bool, error) {
	ok := true

	tried := false
	for _, s := range chosen {
		for _, store := range s.stores {
			if engine != "" && engine != store {
				continue
			}

			tried = true
			t.engine = store

			t.ownMounts = s.mounts && os.Getenv(ownMounts) != ""
			if s.mounts && !t.ownMounts {
				held, err := runWithOwnMounts(ctx, append(slices.Clone(args), "-binary", t.binary, "-scenario", s.name)...)
				if err == nil {
					ok = ok && held
					continue
				}

				progress("cannot mount: %v", err)
			}

			findings, err := s.run(ctx, t)
			if err != nil {
				return false, fmt.Errorf("%s, %s: %w", s.name, store, err)
			}

			fmt.Printf("%s, %s\n", s.name, store)

			if err := writeTable(os.Stdout, findings); err != nil {
				return false, err
			}

			ok = ok && allHold(findings)
		}
	}

	if !tried {
		return false, fmt.Errorf("no scenario supports the store %s", engine)
	}

	return ok, nil
}

// runWithOwnMounts runs this program again in a process with its own mounts, and reports whether it succeeded. The error
// says that the process could not start.
func runWithOwnMounts(ctx context.Context, args ...string) (bool, error) {
	command := exec.CommandContext(ctx, "/proc/self/exe", args...) //nolint:gosec // this program, with its own arguments
	command.Stdout = os.Stdout
	command.Stderr = os.Stderr
	withOwnMounts(command)

	if err := command.Start(); err != nil {
		return false, err
	}

	return command.Wait() == nil, nil
}

func scenarioNames() []string {
	names := make([]string, len(scenarios))
	for i, s := range scenarios {
		names[i] = s.name
	}

	return names
}

func choose(names string) ([]scenario, error) {
	if names == "" {
		return scenarios, nil
	}

	var chosen []scenario

next:
	for name := range strings.SplitSeq(names, ",") {
		for _, s := range scenarios {
			if s.name == name {
				chosen = append(chosen, s)
				continue next
			}
		}

		return nil, fmt.Errorf("unknown scenario %q: -scenario accepts %s", name, strings.Join(scenarioNames(), ", "))
	}

	return chosen, nil
}

// progress prints the current step on standard error.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}
