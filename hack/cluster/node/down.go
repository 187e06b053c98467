// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Down removes all that Up made, also when Up did not come to its end. The programs that were built stay.
func (n *Node) Down(ctx context.Context) error {
	if err := n.checkAlone(ctx); err != nil {
		return err
	}

	for _, step := range []struct {
		title string
		do    func(context.Context) error
	}{
		{"processes", n.endProcesses},
		{"control groups", removeControlGroups},
		{"link", removeLink},
		{"files", n.removeFiles},
	} {
		began := time.Now()

		if err := step.do(ctx); err != nil {
			return fmt.Errorf("remove %s: %w", step.title, err)
		}

		fmt.Fprintf(n.out, "%6.1f s  %s removed\n", time.Since(began).Seconds(), step.title)
	}

	return nil
}

// removeFiles removes the state folder, after unmounting what is in it: that may be another's, and not to be emptied.
func (n *Node) removeFiles(context.Context) error {
	mounts, err := n.mounts("self")
	if err != nil {
		return err
	}

	for _, point := range mounts {
		if err := unmount(point); err != nil {
			return fmt.Errorf("unmount %s: %w", point, err)
		}
	}

	return os.RemoveAll(n.state)
}

// Leftovers lists what there is of a node: processes, mounts, the link, control groups, files. There are none after Down.
func (n *Node) Leftovers(context.Context) ([]string, error) {
	var left []string
	for _, pid := range processes() {
		mounts, err := n.mounts(fmt.Sprint(pid))
		if n.isOwn(pid) || err == nil && len(mounts) > 0 {
			args := command(pid)
			left = append(left, fmt.Sprintf("process %d: %s", pid, strings.Join(args[:min(2, len(args))], " ")))
		}
	}

	mounts, err := n.mounts("self")
	if err != nil {
		return nil, err
	}

	for _, point := range mounts {
		left = append(left, "mount "+point)
	}

	if linkExists() {
		left = append(left, "link "+hostLink)
	}

	groups, err := controlGroups()
	if err != nil {
		return nil, err
	}

	for _, group := range groups {
		if filepath.Base(group) == controlGroup { // those within go without saying
			left = append(left, "control group "+group)
		}
	}

	if _, err := os.Stat(n.state); !errors.Is(err, os.ErrNotExist) {
		left = append(left, "folder "+n.state)
	}

	return left, nil
}

// mounts returns where a process sees something of the state folder, or in it.
func (n *Node) mounts(process string) ([]string, error) {
	entries, err := mountsOf(process)
	if err != nil {
		return nil, err
	}

	var points []string
	for _, m := range entries {
		if strings.HasPrefix(m.point, n.state+string(filepath.Separator)) || strings.HasSuffix(m.root, n.path("var/lib")) {
			points = append(points, m.point)
		}
	}

	return points, nil
}
