// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// InitCommand is the argument with which this program runs as the node's first process; the state folder follows it.
const InitCommand = "init"

// hidden are the machine's folders that the node has its own of: what kubelet, containerd and runc leave there stays
// in the state folder, or in memory.
var hidden = []string{"/run", "/var/lib", "/var/log"}

// startSupervisor makes the namespaces, with a copy of this program as their first process.
func (n *Node) startSupervisor(ctx context.Context) error {
	if _, err := n.supervisorPID(); err == nil {
		return nil
	}
	// The kernel may not have come to removing the link of an earlier node that was killed.
	if err := removeLink(ctx); err != nil {
		return err
	}

	if err := copySelf(n.ownProgram()); err != nil {
		return fmt.Errorf("copy this program into the state folder: %w", err)
	}

	log, err := os.OpenFile(n.path("log", "init.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// Not of the context: it outlives this program.
	first := exec.Command(n.ownProgram(), InitCommand, n.state) //nolint:gosec,noctx // the copy made above
	first.Env = n.environment()
	first.Stdout = log
	first.Stderr = log
	first.Dir = "/"

	first.SysProcAttr = inNamespaces()
	if err := first.Start(); err != nil {
		return fmt.Errorf("make namespaces: %w", err)
	}

	exited := make(chan error, 1)
	go func() { exited <- first.Wait() }()

	var ended error

	err = until(ctx, 10*time.Second, func(ctx context.Context) error {
		select {
		case err := <-exited:
			ended = fmt.Errorf("the node's first process ended: %w; see %s", err, log.Name())
			return nil
		default:
			_, err := n.supervisor.List(ctx)
			return err
		}
	})

	return errors.Join(ended, err)
}

func copySelf(target string) error {
	source, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer source.Close()

	copied, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o700) //nolint:gosec // a program has to be executable
	if err != nil {
		return err
	}
	defer copied.Close()

	_, err = io.Copy(copied, source)

	return err
}

// Exec returns a command that runs inside the node.
func (n *Node) Exec(ctx context.Context, args ...string) (*exec.Cmd, error) {
	pid, err := n.supervisorPID()
	if err != nil {
		return nil, err
	}

	args = append([]string{"--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"}, args...)
	command := exec.CommandContext(ctx, "nsenter", args...) //nolint:gosec // what the user asked for

	command.Env = append(n.environment(), "TERM="+os.Getenv("TERM"))

	return command, nil
}
