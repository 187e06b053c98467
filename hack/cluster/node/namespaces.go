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

// InitCommand is the command that runs this program as the node's first process. Its argument is the state folder.
const InitCommand = "init"

// hidden lists the folders of which the node has its own versions, in the state folder or in memory. So files of kubelet,
// containerd and runc never reach the machine's folders.
var hidden = []string{"/run", "/var/lib", "/var/log"}

// startSupervisor creates the namespaces, with a copy of this program as their first process.
func (n *Node) startSupervisor(ctx context.Context) error {
	if _, err := n.supervisorPID(); err == nil {
		return nil
	}

	// The kernel may not have removed the link of a killed node yet.
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

	// The process outlives this program, so it must not depend on the context.
	first := exec.Command(n.ownProgram(), InitCommand, n.state) //nolint:gosec,noctx // the copy made above
	first.Env = n.environment()
	first.Stdout = log
	first.Stderr = log
	first.Dir = "/"
	first.SysProcAttr = inNamespaces()

	if err := first.Start(); err != nil {
		return fmt.Errorf("create namespaces: %w", err)
	}

	exited := make(chan error, 1)
	go func() { exited <- first.Wait() }()

	var ended error

	err = until(ctx, time.Minute, func(ctx context.Context) error {
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

	copied, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o700) //nolint:gosec // a program must be executable
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
	command := exec.CommandContext(ctx, "nsenter", args...) //nolint:gosec // the user's command

	command.Env = append(n.environment(), "TERM="+os.Getenv("TERM"))

	return command, nil
}
