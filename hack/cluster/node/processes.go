// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// errNotRunning is the error of operations that need a running node.
var errNotRunning = errors.New("the node is not running; 'make cluster-up' starts it")

// ownProgram returns the path of the copy of this program that the node runs. It identifies the node's processes, because no
// other process runs it. A recorded process id could belong to another process by now.
func (n *Node) ownProgram() string { return n.path("bin", "cluster") }

// supervisorPID returns the machine's process id of the node's first process.
func (n *Node) supervisorPID() (int, error) {
	for _, pid := range processes() {
		if args := command(pid); n.isOwn(pid) && len(args) > 1 && args[1] == InitCommand {
			return pid, nil
		}
	}

	return 0, errNotRunning
}

// checkNoOther returns an error if a node with another state folder is running, since it uses the same link and control
// groups.
func (n *Node) checkNoOther(context.Context) error {
	for _, pid := range processes() {
		args := command(pid)
		if len(args) != 3 || args[1] != InitCommand || args[2] == n.state {
			continue
		}

		if other := (&Node{state: args[2]}); other.isOwn(pid) {
			return fmt.Errorf("another node is running, with its files in %s: take it down first, with the XDG_STATE_HOME it was started with",
				other.state)
		}
	}

	return nil
}

// endProcesses kills the node's first process, and waits until the kernel has ended all the others with it.
func (n *Node) endProcesses(ctx context.Context) error {
	return until(ctx, 2*time.Minute, func(context.Context) error {
		var running []error
		for _, pid := range processes() {
			if !n.isOwn(pid) {
				continue
			}

			running = append(running, fmt.Errorf("process %d is running", pid), n.kill(pid))
		}

		return errors.Join(running...)
	})
}

// kill opens the process before it checks its program, so that the process id cannot be reused in between.
func (n *Node) kill(pid int) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	defer process.Release() //nolint:errcheck // there is nothing to recover

	if !n.isOwn(pid) {
		return nil
	}

	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}

	return nil
}

// isOwn reports whether the process runs the node's program.
func (n *Node) isOwn(pid int) bool {
	executable, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && strings.TrimSuffix(executable, " (deleted)") == n.ownProgram()
}

// processes returns the ids of all processes of the machine.
func processes() []int {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}

	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(filepath.Base(name)); err == nil {
			pids = append(pids, pid)
		}
	}

	return pids
}

// command returns the command line of a process, or nil if it has ended.
func command(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil
	}

	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte{0}), []byte{0}) {
		args = append(args, string(arg))
	}

	return args
}
