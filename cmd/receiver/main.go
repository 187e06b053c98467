// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command receiver receives the webhooks of WhatsApp Business numbers and answers messages with an AI.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/buildinfo"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// version is set with -ldflags -X.
var version = "dev"

const usage = `usage: receiver --config FILE   run the receiver with the configuration FILE (see docs/receiver.md)
       receiver --check FILE    check FILE and its secrets, and open nothing
       receiver --version       print the version
       receiver move-store      move a store between the engines (see receiver move-store --help)
       receiver end-pending     end the pending messages of a restored store (see receiver end-pending --help)
`

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "move-store":
			os.Exit(moveStore(os.Args[2:]))
		case "end-pending":
			os.Exit(endPending(os.Args[2:]))
		}
	}

	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	file := flag.String("config", "", "")
	checked := flag.String("check", "", "")
	showVersion := flag.Bool("version", false, "")

	flag.Parse()

	if *showVersion {
		fmt.Println("receiver", buildinfo.Read(version))
		return
	}

	if (*file == "") == (*checked == "") || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}

	if *checked != "" {
		os.Exit(check(*checked))
	}

	tune()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *file)

	stop()

	if err != nil {
		fmt.Fprintln(os.Stderr, "receiver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string) error {
	level := new(slog.LevelVar)
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	clock := clockwork.NewRealClock()

	live, err := config.Open(file, clock, log)
	if err != nil {
		return err
	}

	if err := level.UnmarshalText([]byte(live.Current().Log.Level)); err != nil {
		return fmt.Errorf("log.level: %w", err)
	}

	r, err := receiver.Open(ctx, live, version, clock, log)
	if err != nil {
		return err
	}
	defer r.Close()

	return r.Run(ctx)
}

// check prints the faults of a configuration and its secrets, and returns the exit code.
func check(file string) int {
	wrong := receiver.Check(file)
	for _, line := range wrong {
		fmt.Println(line)
	}

	if len(wrong) > 0 {
		return 1
	}

	fmt.Println("the configuration and its secrets can be used")

	return 0
}

// tune sets GOMAXPROCS and GOGC unless they are set in the environment.
func tune() {
	// The store's writer blocks a thread while it waits for the disk. One more lets the others use all processors.
	if _, set := os.LookupEnv("GOMAXPROCS"); !set {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}

	// The live heap is small, so collecting at twice the garbage costs a few megabytes. GOMEMLIMIT still bounds it.
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(200)
	}
}
