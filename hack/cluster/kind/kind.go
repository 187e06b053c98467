// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kind creates the cluster with kind (https://kind.sigs.k8s.io), which requires Docker.
package kind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	cluster = "whatsapp-webhook"
	node    = cluster + "-control-plane"

	// usableTimeout bounds the check for kind and Docker.
	usableTimeout = time.Minute
)

// Command runs a program and returns its output.
type Command func(ctx context.Context, program string, args ...string) (string, error)

// Kind is a kind cluster. Its kubeconfig is in a state folder.
type Kind struct {
	state string
	run   Command
}

// New returns the cluster, running or not.
func New(state string, run Command) *Kind { return &Kind{state: state, run: run} }

// Usable reports whether kind is installed and Docker is running.
func (k *Kind) Usable(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, usableTimeout)
	defer cancel()

	if _, err := k.run(ctx, "kind", "version"); err != nil {
		return false
	}

	// The format makes the client ask the server.
	_, err := k.run(ctx, "docker", "version", "--format", "{{.Server.Version}}")

	return err == nil
}

// Up creates the cluster unless it exists, and returns when its node is ready.
func (k *Kind) Up(ctx context.Context) error {
	exists, err := k.exists(ctx)
	if err != nil {
		return err
	}

	if exists {
		_, err := k.run(ctx, "kind", "export", "kubeconfig", "--name", cluster, "--kubeconfig", k.Kubeconfig())
		return err
	}

	if err := os.MkdirAll(k.state, 0o750); err != nil {
		return err
	}

	_, err = k.run(ctx, "kind", "create", "cluster", "--name", cluster, "--kubeconfig", k.Kubeconfig(), "--wait", "3m")

	return err
}

// Down removes the cluster.
func (k *Kind) Down(ctx context.Context) error {
	if _, err := k.run(ctx, "kind", "delete", "cluster", "--name", cluster, "--kubeconfig", k.Kubeconfig()); err != nil {
		return err
	}

	return os.RemoveAll(k.state)
}

// Status prints the state of the cluster. It returns an error if there is no cluster.
func (k *Kind) Status(ctx context.Context, out io.Writer) error {
	exists, err := k.exists(ctx)
	if err != nil {
		return err
	}

	if !exists {
		return errors.New("there is no cluster; 'make cluster-up' creates it")
	}

	state, err := k.run(ctx, "docker", "inspect", "--format", "{{.State.Status}}", node)
	if err != nil {
		return err
	}

	fmt.Fprintf(out, "kind cluster %s, container of the node: %s\n", cluster, strings.TrimSpace(state))

	return nil
}

// Kubeconfig returns the administrator's kubeconfig file.
func (k *Kind) Kubeconfig() string { return filepath.Join(k.state, "kubeconfig") }

// Path returns nil, since kubectl is in the machine's PATH.
func (k *Kind) Path() []string { return nil }

// Load loads the images of an archive into the node.
func (k *Kind) Load(ctx context.Context, archive string) ([]string, error) {
	_, err := k.run(ctx, "kind", "load", "image-archive", archive, "--name", cluster)
	return nil, err
}

// TrustRegistry returns an error: the node of kind is in a network of Docker, where the machine has another address.
func (k *Kind) TrustRegistry(string) error {
	return errors.New("with kind, set up a registry as https://kind.sigs.k8s.io/docs/user/local-registry/ describes")
}

// Exec returns a command that runs inside the node.
func (k *Kind) Exec(ctx context.Context, args ...string) (*exec.Cmd, error) {
	args = append([]string{"exec", "--interactive", node}, args...)

	return exec.CommandContext(ctx, "docker", args...), nil //nolint:gosec // the user's command
}

// Start starts a stopped program of the node.
func (k *Kind) Start(ctx context.Context, program string) error {
	return k.systemctl(ctx, "start", program)
}

// Stop stops a program of the node.
func (k *Kind) Stop(ctx context.Context, program string) error {
	return k.systemctl(ctx, "stop", program)
}

func (k *Kind) systemctl(ctx context.Context, verb, program string) error {
	if units := []string{"kubelet", "containerd"}; !slices.Contains(units, program) {
		return fmt.Errorf("with kind, %s is a pod of the node; only %s can be stopped and started", program, strings.Join(units, " and "))
	}

	_, err := k.run(ctx, "docker", "exec", node, "systemctl", verb, program)

	return err
}

// Leftovers lists the containers and files of the cluster. There are none after Down.
func (k *Kind) Leftovers(ctx context.Context) ([]string, error) {
	listed, err := k.run(ctx, "docker", "ps", "--all", "--filter", "label=io.x-k8s.kind.cluster="+cluster, "--format", "{{.Names}}")
	if err != nil {
		return nil, err
	}

	var found []string
	for container := range strings.FieldsSeq(listed) {
		found = append(found, "container "+container)
	}

	if _, err := os.Stat(k.state); !errors.Is(err, os.ErrNotExist) {
		found = append(found, "folder "+k.state)
	}

	return found, nil
}

func (k *Kind) exists(ctx context.Context) (bool, error) {
	listed, err := k.run(ctx, "kind", "get", "clusters")
	return slices.Contains(strings.Fields(listed), cluster), err
}
