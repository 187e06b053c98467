// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench measures the receiver and the operator against their targets, prints a table and writes it to
// docs/benchmarks.md. It measures each figure and its base line alternately in the same run, since absolute numbers depend
// more on the machine than on the code.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)

	stop()

	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// part is a group of figures measured together.
type part struct {
	name    string
	measure func(context.Context) (measurement, error)
}

// measurement is the result of a part.
type measurement struct {
	figures []figure
	charts  []chart
}

// settings are the sizes of the measurements. Smaller sizes serve to try the program.
type settings struct {
	connections        sizes
	rounds, deliveries int
	histories          sizes
	backlog, probes    int
	open               sizes
	events, views      int
	resources          int
	peerDeliveries     int
	quiet              time.Duration
}

// tree is the project's folder, where 'make bench' runs the command.
const tree = "."

func (s *settings) parts() []part {
	return []part{
		{"idle", figuresOf(withBinary(idle))},
		{"ingest", figuresOf(func(ctx context.Context) ([]figure, error) {
			return ingest(ctx, s.connections, s.rounds, s.deliveries)
		})},
		{"path", figuresOf(withBinary(wholePath))},
		{"peers", figuresOf(withBinary(func(ctx context.Context, binary string) ([]figure, error) {
			return peers(ctx, binary, s.peerDeliveries)
		}))},
		{"waiting", figuresOf(withBinary(slowAI))},
		{"numbers", figuresOf(withBinary(numbers))},
		{"growth", func(ctx context.Context) (measurement, error) {
			return growth(ctx, s.histories, s.backlog, s.probes)
		}},
		{"memory", withBinary(func(ctx context.Context, binary string) (measurement, error) {
			return memory(ctx, binary, s.open)
		})},
		{"console", figuresOf(withBinary(func(ctx context.Context, binary string) ([]figure, error) {
			return console(ctx, binary, s.events, s.views)
		}))},
		{"operator", figuresOf(func(ctx context.Context) ([]figure, error) {
			return operator(ctx, s.resources, s.quiet)
		})},
	}
}

func figuresOf(measure func(context.Context) ([]figure, error)) func(context.Context) (measurement, error) {
	return func(ctx context.Context) (measurement, error) {
		figures, err := measure(ctx)
		return measurement{figures: figures}, err
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s := settings{
		connections: sizes{64, 240},
		histories:   sizes{0, 10_000, 100_000, 1_000_000},
		open:        sizes{10, 1_000, 10_000, 100_000},
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	names := flags.String(
		"parts",
		"",
		"`NAMES` of the parts to measure, separated by commas (default all: "+strings.Join(
			namesOf(s.parts()),
			",",
		)+")",
	)
	write := flags.Bool("write", true, "write the results to docs/benchmarks.md")
	render := flags.Bool("render", false, "only render docs/benchmarks.md from the last results")
	profile := flags.String("cpuprofile", "", "write a CPU profile to `FILE`")

	s.addFlags(flags)

	if err := flags.Parse(args); err != nil {
		return err
	}

	if *render {
		return writePage(tree)
	}

	parts, err := choose(s.parts(), *names)
	if err != nil {
		return err
	}

	on, err := describe(ctx, tree)
	if err != nil {
		return err
	}

	return profiled(*profile, func() error {
		return measureAll(ctx, parts, on, *write, strings.Join(args, " "), out)
	})
}

// addFlags adds the flags of the settings.
func (s *settings) addFlags(flags *flag.FlagSet) {
	flags.Var(
		&s.connections,
		"connections",
		"ingest: numbers of concurrent `CONNECTIONS`; the targets apply to the first",
	)
	flags.IntVar(&s.rounds, "rounds", 5, "ingest: `N` rounds, of which the median is the result")
	flags.IntVar(&s.deliveries, "deliveries", 40_000, "ingest: `N` deliveries per round")
	flags.IntVar(&s.peerDeliveries, "peer-deliveries", 24_000, "peers: `N` deliveries per round and server")
	flags.Var(&s.histories, "histories", "growth: numbers of finished `EVENTS` in each store, from 0")
	flags.IntVar(
		&s.backlog,
		"backlog",
		200_000,
		"growth: `N` pending events in addition to the longest history",
	)
	flags.IntVar(
		&s.probes,
		"probes",
		200,
		"growth: `N` measurements of each store, of which the median is the result",
	)
	flags.Var(&s.open, "open", "memory: numbers of `CONVERSATIONS` that wait for an answer")
	flags.IntVar(&s.events, "events", 1_000_000, "console: `N` events in each store")
	flags.IntVar(&s.views, "views", 20, "console: open each page `N` times")
	flags.IntVar(&s.resources, "resources", 1000, "operator: `N` WhatsAppWebhooks")
	flags.DurationVar(
		&s.quiet,
		"quiet",
		2*time.Minute,
		"operator: `DURATION` without changes in which writes are counted",
	)
}

// measureAll measures one part after another. It saves the result of a part even if a later part fails.
func measureAll(ctx context.Context, parts []part, on machine, write bool, args string, out io.Writer) error {
	var (
		rows     []row
		failures []error
	)
	for _, p := range parts {
		if ctx.Err() != nil {
			break
		}

		progress("%s: start", p.name)

		began := time.Now()

		m, err := p.measure(ctx)
		if err != nil {
			progress("%s: failed: %v", p.name, err)
			failures = append(failures, fmt.Errorf("%s: %w", p.name, err))

			continue
		}

		took := time.Since(began).Round(time.Second)
		progress("%s: done in %s", p.name, took)

		saved := newResult(m, on, args, began, took)

		rows = append(rows, saved.Rows...)
		if write {
			if err := saveResult(tree, p.name, saved, m.charts); err != nil {
				return err
			}
		}
	}

	fmt.Fprintln(out, on)
	failures = append(failures, writeTable(out, rows), ctx.Err())

	return errors.Join(failures...)
}

func namesOf(parts []part) []string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}

	return names
}

// choose returns the parts with the given names, in their own order, or all parts if names is empty.
func choose(parts []part, names string) ([]part, error) {
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(cmp.Or(names, strings.Join(namesOf(parts), ",")), ",") {
		wanted[strings.TrimSpace(name)] = true
	}

	var chosen []part
	for _, p := range parts {
		if wanted[p.name] {
			chosen = append(chosen, p)
			delete(wanted, p.name)
		}
	}

	for name := range wanted {
		return nil, fmt.Errorf("unknown part %q: the parts are %s", name, strings.Join(namesOf(parts), ", "))
	}

	return chosen, nil
}

// sizes is a flag of numbers separated by commas.
type sizes []int

// String implements flag.Value.
func (s *sizes) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*s)), " ", ","), "[]")
}

// Set implements flag.Value.
func (s *sizes) Set(list string) error {
	*s = nil
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 0 {
			return fmt.Errorf("%q is not a number of at least 0", field)
		}

		*s = append(*s, n)
	}

	return nil
}

// progress prints progress to standard error.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

func profiled(file string, run func() error) error {
	if file == "" {
		return run()
	}

	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("create the profile: %w", err)
	}

	if err := pprof.StartCPUProfile(f); err != nil {
		return fmt.Errorf("start the profile: %w", err)
	}

	err = run()

	pprof.StopCPUProfile()

	return errors.Join(err, f.Close())
}
