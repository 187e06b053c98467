// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/kind"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/node"
)

// cluster is a kind cluster or a node of this project.
type cluster interface {
	Up(context.Context) error
	Down(context.Context) error
	Status(context.Context, io.Writer) error
	Kubeconfig() string
	Path() []string
	Load(ctx context.Context, archive string) ([]string, error)
	TrustRegistry(address string) error
	Exec(ctx context.Context, args ...string) (*exec.Cmd, error)
	Start(ctx context.Context, program string) error
	Stop(ctx context.Context, program string) error
	Leftovers(context.Context) ([]string, error)
}

// choose returns the node if it exists, or else kind if it is usable, or else a new node.
func choose(ctx context.Context, f folders, out io.Writer) cluster {
	own := node.New(f.node, f.programs, repository, out)
	if _, err := os.Stat(f.node); err == nil {
		return own
	}

	if k := kind.New(f.kind, runner(out)); k.Usable(ctx) {
		return k
	}

	return own
}

// packages returns the Debian packages that the cluster needs.
func packages(chosen cluster) []string {
	if _, own := chosen.(*node.Node); own {
		return node.Packages()
	}

	return nil
}

// runner returns a function that runs programs of the machine and shows the progress of kind.
func runner(progress io.Writer) kind.Command {
	return func(ctx context.Context, program string, args ...string) (string, error) {
		var stdout, stderr bytes.Buffer

		command := exec.CommandContext(ctx, program, args...) //nolint:gosec // kind and docker
		command.Stdout = &stdout

		command.Stderr = &stderr
		if program == "kind" && args[0] != "get" && args[0] != "version" {
			command.Stderr = io.MultiWriter(&stderr, progress)
		}

		if err := command.Run(); err != nil {
			return "", fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
		}

		return stdout.String(), nil
	}
}

// folders holds the paths of the clusters' state and of the built programs.
type folders struct {
	node     string // state of the node
	kind     string // state of the kind cluster
	programs string // cache of built programs
	lock     string // file that serializes up and down
}

func findFolders() (folders, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return folders{}, fmt.Errorf("find the home folder: %w", err)
	}

	state, err := base("XDG_STATE_HOME", filepath.Join(home, ".local", "state"))
	if err != nil {
		return folders{}, err
	}

	cache, err := base("XDG_CACHE_HOME", filepath.Join(home, ".cache"))
	if err != nil {
		return folders{}, err
	}

	return folders{
		node:     filepath.Join(state, "node"),
		kind:     filepath.Join(state, "kind"),
		programs: filepath.Join(cache, "cluster"),
		lock:     filepath.Join(cache, "cluster.lock"),
	}, nil
}

// base returns the project's folder in a base directory of the user, without symbolic links, as the kernel reports it.
func base(variable, fallback string) (string, error) {
	folder := os.Getenv(variable)
	if folder == "" {
		folder = fallback
	}

	folder = filepath.Join(folder, "whatsapp-webhook-operator")
	if err := os.MkdirAll(folder, 0o750); err != nil { //nolint:gosec // the user's choice
		return "", err
	}

	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}

	return filepath.EvalSymlinks(folder)
}

// exclusively prevents two processes from creating or removing the same cluster at the same time.
func exclusively(f folders, do func() error) error {
	file, err := os.OpenFile(f.lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()

	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.New("another 'up' or 'down' is running; wait for it")
	}

	return do()
}

// repository returns the folder of this repository.
func repository() (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output() //nolint:noctx // go env returns immediately
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}

	root := filepath.Dir(strings.TrimSpace(string(mod)))
	if _, err := os.Stat(filepath.Join(root, "hack", "cluster")); err != nil {
		return "", errors.New("not in the repository, from which the programs are built: run 'go run ./hack/cluster' there")
	}

	return root, nil
}
