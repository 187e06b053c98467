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

// errNotRunning is that of all that needs a running node.
var errNotRunning = errors.New("the node is not running; 'make cluster-up' starts it")

// ownProgram is the copy of this program that the node runs. No other process has it as its executable, so processes
// are the node's by what they run, and no number has to be trusted that was written down when it was another's.
func (n *Node) ownProgram() string { return n.path("bin", "cluster") }

// supervisorPID returns the number, on the machine, of the node's first process.
func (n *Node) supervisorPID() (int, error) {
	for _, pid := range processes() {
		if args := command(pid); n.isOwn(pid) && len(args) > 1 && args[1] == InitCommand {
			return pid, nil
		}
	}

	return 0, errNotRunning
}

// checkAlone refuses to touch the link and the control groups while they are those of a node with another state folder.
func (n *Node) checkAlone(context.Context) error {
	for _, pid := range processes() {
		args := command(pid)
		if len(args) != 3 || args[1] != InitCommand || args[2] == n.state {
			continue
		}

		if other := (&Node{state: args[2]}); other.isOwn(pid) {
			return fmt.Errorf("another node runs, with its files in %s: take that down first, with XDG_STATE_HOME as it was when it was started", other.state)
		}
	}

	return nil
}

// endProcesses ends the node's first process, with which the kernel ends all the others, and waits for that.
func (n *Node) endProcesses(ctx context.Context) error {
	return until(ctx, 30*time.Second, func(context.Context) error {
		var left []error
		for _, pid := range processes() {
			if !n.isOwn(pid) {
				continue
			}

			left = append(left, fmt.Errorf("process %d lives", pid), n.kill(pid))
		}

		return errors.Join(left...)
	})
}

// kill holds on to the process before it looks whose it is, so that the number cannot change hands in between.
func (n *Node) kill(pid int) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	defer process.Release() //nolint:errcheck // nothing is left to do

	if !n.isOwn(pid) {
		return nil
	}

	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end process %d: %w", pid, err)
	}

	return nil
}

func (n *Node) isOwn(pid int) bool {
	executable, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && strings.TrimSuffix(executable, " (deleted)") == n.ownProgram()
}

// processes returns the numbers of all processes of the machine.
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

// command returns a process's command line; nothing when it has gone.
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
