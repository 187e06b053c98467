// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// needed are the programs that a node takes from the machine, and Debian's packages of them.
var needed = []struct{ program, debian string }{
	{"ip", "iproute2"},
	{"iptables", "iptables"},
	{"iptables-restore", "iptables"},
	{"mount", "mount"},
	{"nsenter", "util-linux"},
	{"runc", "runc"},
}

// Packages returns Debian's packages that a node needs.
func Packages() []string {
	var all []string
	for _, n := range needed {
		all = append(all, n.debian)
	}

	return slices.Compact(all)
}

// checkMachine tells all that is missing at once.
func (n *Node) checkMachine(ctx context.Context) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("a node of its own needs Linux, and this is %s; with Docker running and kind installed (https://kind.sigs.k8s.io) it works here, too", runtime.GOOS)
	}

	var failures []error
	if os.Geteuid() != 0 {
		failures = append(failures, errors.New("only root may make namespaces, links and control groups: run it as root, or install Docker and kind (https://kind.sigs.k8s.io)"))
	}
	// These folders of the machine are hidden from the node behind its own.
	for _, folder := range hidden {
		for _, own := range []string{n.state, n.cache} {
			if strings.HasPrefix(own+"/", folder+"/") {
				failures = append(failures, fmt.Errorf("%s is in %s, which the node replaces: set XDG_STATE_HOME and XDG_CACHE_HOME to folders elsewhere", own, folder))
			}
		}
	}

	return errors.Join(append(failures, missingPrograms(exec.LookPath), missingCgroups(), n.checkAlone(ctx))...)
}

func missingPrograms(lookPath func(string) (string, error)) error {
	var programs, packages []string
	for _, n := range needed {
		if _, err := lookPath(n.program); err != nil {
			programs = append(programs, n.program)
			packages = append(packages, n.debian)
		}
	}

	if len(programs) == 0 {
		return nil
	}

	return fmt.Errorf("not in PATH: %s; install with: apt-get install -y --no-install-recommends %s",
		strings.Join(programs, ", "), strings.Join(slices.Compact(packages), " "))
}

func missingCgroups() error {
	hierarchies, err := hierarchies()
	if err != nil {
		return err
	}

	if len(hierarchies) == 0 {
		return errors.New("no control groups are mounted under /sys/fs/cgroup: a container needs --privileged, a machine its usual mounts")
	}

	return nil
}

// mountsOf returns the lines of a process's table of mounts (proc(5): /proc/pid/mountinfo).
func mountsOf(process string) ([]mountEntry, error) {
	file, err := os.Open("/proc/" + process + "/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read the mounts: %w", err)
	}
	defer file.Close()

	var entries []mountEntry

	lines := bufio.NewScanner(file)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		left := strings.Fields(before)

		right := strings.Fields(after)
		if len(left) >= 5 && len(right) >= 1 {
			entries = append(entries, mountEntry{
				root:  left[3],
				point: left[4],
				kind:  right[0],
			})
		}
	}

	return entries, lines.Err()
}

type mountEntry struct {
	root  string // what of the file system is mounted
	point string // where
	kind  string // of file system
}
