// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command cluster creates a Kubernetes cluster with a real node on this machine, to try and test the operator in. It uses
// kind if Docker runs, and otherwise Go modules and Debian packages only. See docs/cluster.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/node"
)

const usage = `usage: cluster COMMAND
  up               create the cluster, or its missing parts
  down             remove the cluster
  status           show the state of the cluster
  env              print shell variables: eval "$(go run ./hack/cluster env)"
  load ARCHIVE...  load images from archives of Docker or OCI into the node
  trust ADDRESS    let the node pull from a registry without TLS, such as 10.213.0.1:5000
  exec COMMAND...  run a command inside the node
  start PROGRAM    start a stopped program of the node, such as kubelet
  stop PROGRAM     stop a program of the node
  restart PROGRAM  stop and start a program of the node
  packages         list the Debian packages that the cluster needs here
  leftovers        list the remains of a removed cluster; fails if there are any
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil {
		return
	}

	stop()

	// A command of exec has printed its own error.
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(os.Args) > 1 && os.Args[1] == "exec" {
		os.Exit(exit.ExitCode()) //nolint:gocritic // stop was called
	}

	fmt.Fprintln(os.Stderr, "cluster:", err)
	os.Exit(1)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("no command\n%s", usage)
	}

	command := args[0]
	rest := args[1:]

	// These two commands run inside the node.
	switch {
	case command == node.InitCommand && len(rest) == 1:
		return node.Init(ctx, rest[0])
	case command == node.VolumesCommand && len(rest) == 1:
		return node.ProvisionVolumes(ctx, rest[0])
	}

	folders, err := findFolders()
	if err != nil {
		return err
	}

	chosen := choose(ctx, folders, out)
	switch {
	case command == "up" && len(rest) == 0:
		return up(ctx, folders, chosen, out)
	case command == "down" && len(rest) == 0:
		return exclusively(folders, func() error { return chosen.Down(ctx) })
	case command == "status" && len(rest) == 0:
		return chosen.Status(ctx, out)
	case command == "env" && len(rest) == 0:
		printEnv(chosen, out)
		return nil
	case command == "load" && len(rest) > 0:
		return load(ctx, chosen, rest, out)
	case command == "trust" && len(rest) == 1:
		return chosen.TrustRegistry(rest[0])
	case command == "exec" && len(rest) > 0:
		return execute(ctx, chosen, rest)
	case command == "start" && len(rest) == 1:
		return chosen.Start(ctx, rest[0])
	case command == "stop" && len(rest) == 1:
		return chosen.Stop(ctx, rest[0])
	case command == "restart" && len(rest) == 1:
		return errors.Join(chosen.Stop(ctx, rest[0]), chosen.Start(ctx, rest[0]))
	case command == "packages" && len(rest) == 0:
		fmt.Fprintln(out, strings.Join(packages(chosen), " "))
		return nil
	case command == "leftovers" && len(rest) == 0:
		return leftovers(ctx, chosen, out)
	default:
		return fmt.Errorf("unknown command or wrong number of arguments: %s\n%s", strings.Join(args, " "), usage)
	}
}

func up(ctx context.Context, folders folders, chosen cluster, out io.Writer) error {
	if err := exclusively(folders, func() error { return chosen.Up(ctx) }); err != nil {
		return err
	}

	fmt.Fprintf(out, "The cluster is up. For kubectl:\n  eval \"$(go run ./hack/cluster env)\"\nKUBECONFIG is %s\n", chosen.Kubeconfig())

	return nil
}

func printEnv(chosen cluster, out io.Writer) {
	fmt.Fprintf(out, "export KUBECONFIG='%s'\n", chosen.Kubeconfig())

	if path := chosen.Path(); len(path) > 0 {
		fmt.Fprintf(out, "export PATH='%s':\"$PATH\"\n", strings.Join(path, ":"))
	}
}

func load(ctx context.Context, chosen cluster, archives []string, out io.Writer) error {
	for _, archive := range archives {
		images, err := chosen.Load(ctx, archive)
		if err != nil {
			return err
		}

		fmt.Fprintln(out, strings.Join(append([]string{"loaded", archive}, images...), " "))
	}

	return nil
}

func execute(ctx context.Context, chosen cluster, args []string) error {
	command, err := chosen.Exec(ctx, args...)
	if err != nil {
		return err
	}

	command.Stdin = os.Stdin
	command.Stdout = os.Stdout
	command.Stderr = os.Stderr

	return command.Run()
}

func leftovers(ctx context.Context, chosen cluster, out io.Writer) error {
	found, err := chosen.Leftovers(ctx)
	if err != nil || len(found) == 0 {
		return err
	}

	fmt.Fprintln(out, strings.Join(found, "\n"))

	return fmt.Errorf("%d leftovers; 'make cluster-down' removes them", len(found))
}
