// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench measures the receiver and the operator against their targets and prints one table. Each figure is measured beside its own
// base line in the same run, in turn, since absolute numbers say more of the machine than of the code.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

func main() {
	connections := flag.Int("connections", 64, "`N` connections that deliver at the same time")
	rounds := flag.Int("rounds", 3, "`N` rounds; the median is printed")
	deliveries := flag.Int("deliveries", 60_000, "`N` deliveries a round")
	count := flag.Int("resources", 200, "`N` WhatsAppWebhooks that the operator is measured with")
	quiet := flag.Duration("quiet", 5*time.Minute, "how long the operator is watched when there is nothing to do")
	parts := flag.String("parts", "ingest,operator", "what to measure, separated by commas")
	profile := flag.String("cpuprofile", "", "write a CPU profile to `FILE`")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	began := time.Now()
	var figures []figure
	for part := range strings.SplitSeq(*parts, ",") {
		var measure func() ([]figure, error)
		switch part {
		case "ingest":
			measure = func() ([]figure, error) { return ingest(ctx, *connections, *rounds, *deliveries) }
		case "operator":
			measure = func() ([]figure, error) { return operator(ctx, *count, *quiet) }
		default:
			measure = func() ([]figure, error) { return nil, fmt.Errorf("no part %q: there are ingest and operator", part) }
		}
		measured, err := profiled(*profile, measure)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		figures = append(figures, measured...)
	}
	stop()
	fmt.Printf("%d processors, %s, load generator and API server on the same machine, %s in all\n", runtime.GOMAXPROCS(0), runtime.Version(), time.Since(began).Round(time.Second))
	fmt.Printf("ingest: %d connections, median of %d rounds of %d deliveries\n\n", *connections, *rounds, *deliveries)
	fmt.Printf("%-50s %20s %14s %10s\n", "figure", "measured", "target", "verdict")
	for _, f := range figures {
		fmt.Printf("%-50s %20s %14s %10s\n", f.name, f.measured, f.target, f.verdict)
	}
}

func profiled(file string, run func() ([]figure, error)) ([]figure, error) {
	if file == "" {
		return run()
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, fmt.Errorf("write the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("write the profile: %w", err)
	}
	figures, err := run()
	pprof.StopCPUProfile()
	return figures, errors.Join(err, f.Close())
}

// figure is one line of the table; a base line has no target.
type figure struct{ name, measured, target, verdict string }

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}
