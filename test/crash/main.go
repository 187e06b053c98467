// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command crash proves what is promised of a receiver that is killed. It runs the real binary between stand-ins for Meta
// and Bird, which are slow and fail at times, lets people write, and meanwhile kills, stalls and restarts the replicas at
// random moments. At the end what the world saw is held against the store: whatever was answered 200 is there and was
// worked to its end, in each person's order, and nobody was answered twice where that could be known.
//
// It exits with 1 when anything is otherwise, and names the folder in which store, logs and records are kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var t trial

	engine := flag.String("store", "", "embedded or postgresql; without it several trials are run, of both")

	flag.IntVar(&t.replicas, "replicas", 1, "with -store, how many receivers share it")
	flag.Float64Var(&t.untold, "untold", 0, "with -store, the `SHARE` of the sends whose statuses Meta never tells")
	flag.IntVar(&t.kills, "kills", 120, "SIGKILLs in each trial")
	flag.IntVar(&t.stalls, "stalls", 36, "SIGSTOPs in each trial of several replicas, from -lease up to -longest-stall")
	flag.DurationVar(&t.span, "for", 3*time.Minute, "time in which they fall; then all comes to rest")
	flag.Uint64Var(&t.seed, "seed", 0, "of the random moments; 0 takes another each time")
	flag.IntVar(&t.people, "people", 60, "who write at the same time")
	flag.Float64Var(&t.rate, "rate", 50, "messages a second that they write together")
	flag.DurationVar(&t.lease, "lease", 2*time.Second, "the receivers' processing.lease")
	flag.DurationVar(&t.window, "window", 30*time.Second, "the receivers' processing.ambiguousWindow")
	flag.DurationVar(&t.longestStall, "longest-stall", 6*time.Second, "of a replica; a stalled one does not know the time, so one longer than the window can answer twice")

	dir := flag.String("dir", "", "an empty folder in which stores, logs and records are kept even when all is well")

	flag.Parse()

	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}

	if err := t.check(*engine); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := runAll(ctx, os.Stdout, *dir, trials(t, *engine))

	stop()

	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
	}

	if err != nil || !ok {
		os.Exit(1)
	}
}

func (t *trial) check(engine string) error {
	switch {
	case engine != "" && engine != "embedded" && engine != "postgresql":
		return fmt.Errorf("-store is %q; it must be embedded or postgresql", engine)
	case t.replicas < 1 || t.replicas > 9:
		return fmt.Errorf("-replicas is %d; it must be from 1 to 9", t.replicas)
	case engine == "embedded" && t.replicas > 1:
		return errors.New("an embedded store serves one receiver: -replicas must be 1")
	case t.kills < t.replicas:
		return fmt.Errorf("-kills is %d; it must be at least one for each replica", t.kills)
	case t.stalls < 0:
		return fmt.Errorf("-stalls is %d; it must not be negative", t.stalls)
	case t.people < 1 || t.people > 1000 || t.rate <= 0 || t.rate > 10_000:
		return errors.New("-people must be from 1 to 1000, and -rate more than 0 and at most 10000")
	case t.untold < 0 || t.untold > 1:
		return fmt.Errorf("-untold is %v; it must be from 0 to 1", t.untold)
	case t.span < time.Second || t.lease < time.Second || t.window < time.Second || t.longestStall < t.lease*5/4:
		return errors.New("-for, -lease and -window must be at least a second, and -longest-stall a quarter longer than -lease")
	}

	return nil
}

// trials are what one command tries.
func trials(t trial, engine string) []*trial {
	if t.seed == 0 {
		t.seed = rand.Uint64() >> 1 //nolint:gosec // moments need no secrecy
	}

	if engine != "" {
		t.embedded = engine == "embedded"
		t.alone()

		return []*trial{&t}
	}

	var all []*trial
	for _, form := range []struct {
		embedded bool
		replicas int
		untold   float64
	}{{true, 1, 0}, {false, 1, 0}, {false, 3, 0}, {true, 1, 0.5}, {false, 3, 0.5}} {
		one := t
		one.embedded = form.embedded
		one.replicas = form.replicas
		one.untold = form.untold
		one.alone()
		all = append(all, &one)
	}

	return all
}

// alone lets a replica that has no others not be stalled: nobody would take over.
func (t *trial) alone() {
	if t.replicas == 1 {
		t.stalls = 0
	}
}
