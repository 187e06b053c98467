// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command crash proves that a receiver keeps its promises when it is killed and while Bird is away. It runs the real binary
// between stand-ins for Meta and Bird, which are slow and fail at times, lets people write, and kills, stalls and restarts
// the replicas at random moments. For some periods Bird fails every call. At the end it compares its ledger with the store:
// every message that was answered 200 is stored and answered, in the order of each person, Bird is asked about it once, and
// no reply is sent twice unless the first send had an unknown outcome.
//
// It exits with 1 after a violation, and names the folder with store, logs and records.
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

	engine := flag.String("store", "", "embedded or postgresql; by default several trials of both run")

	flag.IntVar(&t.replicas, "replicas", 1, "with -store, how many receivers share it")
	flag.Float64Var(&t.withoutStatuses, "without-statuses", 0, "with -store, the `SHARE` of the sends without statuses from Meta")
	flag.BoolVar(&t.later, "later", false, "with -store, Bird answers by the messages API")
	flag.IntVar(&t.kills, "kills", 120, "SIGKILLs in each trial")
	flag.IntVar(&t.stalls, "stalls", 36, "SIGSTOPs in each trial of several replicas, from -lease up to -longest-stall")
	flag.IntVar(&t.outages, "outages", 6, "of Bird in each trial, from 5 s up to -longest-outage; they take turns in how Bird fails")
	flag.DurationVar(&t.longestOutage, "longest-outage", 12*time.Second, "of Bird")
	flag.DurationVar(&t.span, "for", 3*time.Minute, "time in which the incidents happen")
	flag.Uint64Var(&t.seed, "seed", 0, "of the random moments; 0 picks a new one each time")
	flag.IntVar(&t.people, "people", 60, "who write at the same time")
	flag.Float64Var(&t.rate, "rate", 50, "messages a second, of all people together")
	flag.DurationVar(&t.lease, "lease", 2*time.Second, "the receivers' processing.lease")
	flag.DurationVar(&t.window, "window", 30*time.Second, "the receivers' processing.ambiguousWindow")
	flag.DurationVar(&t.longestStall, "longest-stall", 6*time.Second, "of a replica; after a stall longer than the window a reply may be sent twice")

	dir := flag.String("dir", "", "an empty folder for stores, logs and records, which stay even after success")

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
	case t.outages < 0 || t.longestOutage < shortestOutage:
		return fmt.Errorf("-outages must not be negative, and -longest-outage at least %s", shortestOutage)
	case t.people < 1 || t.people > 1000 || t.rate <= 0 || t.rate > 10_000:
		return errors.New("-people must be from 1 to 1000, and -rate more than 0 and at most 10000")
	case t.withoutStatuses < 0 || t.withoutStatuses > 1:
		return fmt.Errorf("-without-statuses is %v; it must be from 0 to 1", t.withoutStatuses)
	case t.span < time.Second || t.lease < time.Second || t.window < time.Second || t.longestStall < t.lease*5/4:
		return errors.New("-for, -lease and -window must be at least a second, and -longest-stall a quarter longer than -lease")
	}

	return nil
}

// trials returns the trials of one command.
func trials(t trial, engine string) []*trial {
	if t.seed == 0 {
		t.seed = rand.Uint64() >> 1 //nolint:gosec // random moments need no secrecy
	}

	if engine != "" {
		t.embedded = engine == "embedded"
		t.alone()

		return []*trial{&t}
	}

	var all []*trial
	for _, form := range []struct {
		embedded        bool
		replicas        int
		withoutStatuses float64
		later           bool
	}{
		{true, 1, 0, false},
		{false, 1, 0, false},
		{false, 3, 0, false},
		{true, 1, 0.5, false},
		{false, 3, 0.5, false},
		{true, 1, 0, true},
		{false, 3, 0, true},
	} {
		one := t
		one.embedded = form.embedded
		one.replicas = form.replicas
		one.withoutStatuses = form.withoutStatuses
		one.later = form.later
		one.alone()
		all = append(all, &one)
	}

	return all
}

// alone plans no stalls for a single replica, since no other could take over.
func (t *trial) alone() {
	if t.replicas == 1 {
		t.stalls = 0
	}
}
