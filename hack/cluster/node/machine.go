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

// needed lists the programs of the machine that a node needs, and their Debian packages.
var needed = []struct{ program, debian string }{
	{"ip", "iproute2"},
	{"iptables", "iptables"},
	{"iptables-restore", "iptables"},
	{"mount", "mount"},
	{"nsenter", "util-linux"},
	{"runc", "runc"},
}

// Packages returns the Debian packages that a node needs.
func Packages() []string {
	var all []string
	for _, n := range needed {
		all = append(all, n.debian)
	}

	return slices.Compact(all)
}

// checkMachine returns an error with everything that the machine lacks.
func (n *Node) checkMachine(ctx context.Context) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("without kind the cluster needs Linux, and this is %s: install kind (https://kind.sigs.k8s.io) and start Docker",
			runtime.GOOS)
	}

	var failures []error
	if os.Geteuid() != 0 {
		failures = append(failures, errors.New(
			"only root may create namespaces, links and control groups: run as root, or install Docker and kind (https://kind.sigs.k8s.io)"))
	}

	// The node has its own versions of these folders, which hide the machine's.
	for _, folder := range hidden {
		for _, own := range []string{n.state, n.cache} {
			if strings.HasPrefix(own+"/", folder+"/") {
				failures = append(failures, fmt.Errorf(
					"%s is in %s, which the node replaces: set XDG_STATE_HOME and XDG_CACHE_HOME to other folders", own, folder))
			}
		}
	}

	return errors.Join(append(failures, missingPrograms(exec.LookPath), missingCgroups(), n.checkNoOther(ctx))...)
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
		return errors.New("no control groups are mounted under /sys/fs/cgroup: run the container with --privileged, or mount them")
	}

	return nil
}

// mountsOf returns the mounts of a process (proc(5): /proc/pid/mountinfo).
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
		place := strings.Fields(before)
		source := strings.Fields(after)

		if len(place) >= 5 && len(source) >= 1 {
			entries = append(entries, mountEntry{
				root:  place[3],
				point: place[4],
				kind:  source[0],
			})
		}
	}

	return entries, lines.Err()
}

// mountEntry is a mount.
type mountEntry struct {
	root  string // mounted folder of the file system
	point string // mount point
	kind  string // type of the file system
}
