// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command cluster makes a Kubernetes cluster of one real node on this machine, to try and test the operator in: with
// kind where Docker runs, else from Go modules and Debian packages alone. docs/cluster.md tells more.
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
  up               make the cluster, or what is missing of it
  down             remove all of it
  status           what runs
  env              shell variables: eval "$(go run ./hack/cluster env)"
  load ARCHIVE...  give the node the images of archives, Docker's or OCI's
  exec COMMAND...  run a command inside the node
  start PROGRAM    start a program of the node, kubelet for one, that was stopped
  stop PROGRAM     stop it
  restart PROGRAM  stop it and start it again
  packages         the Debian packages that it takes here
  leftovers        what is left of a node; fails if anything is
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil {
		return
	}

	stop()
	// A command of exec has said itself why it failed.
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
	// What runs inside the node.
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
		return alone(folders, func() error { return chosen.Down(ctx) })
	case command == "status" && len(rest) == 0:
		return chosen.Status(ctx, out)
	case command == "env" && len(rest) == 0:
		printEnv(chosen, out)
		return nil
	case command == "load" && len(rest) > 0:
		return load(ctx, chosen, rest, out)
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
		return fmt.Errorf("no such command, or not so many arguments: %s\n%s", strings.Join(args, " "), usage)
	}
}

func up(ctx context.Context, folders folders, chosen cluster, out io.Writer) error {
	if err := alone(folders, func() error { return chosen.Up(ctx) }); err != nil {
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
	left, err := chosen.Leftovers(ctx)
	if err != nil || len(left) == 0 {
		return err
	}

	fmt.Fprintln(out, strings.Join(left, "\n"))

	return fmt.Errorf("%d things are left; 'make cluster-down' removes them", len(left))
}
