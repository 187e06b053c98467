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

// Down removes everything Up created, even if Up failed. The built programs stay in the cache.
func (n *Node) Down(ctx context.Context) error {
	if err := n.checkNoOther(ctx); err != nil {
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

// removeFiles unmounts all file systems in the state folder, so that it deletes none of their files, and removes the folder.
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

// Leftovers lists the remains of a node: processes, mounts, the link, control groups and files. There are none after Down.
func (n *Node) Leftovers(context.Context) ([]string, error) {
	var found []string
	for _, pid := range processes() {
		mounts, err := n.mounts(fmt.Sprint(pid))

		inUse := err == nil && len(mounts) > 0
		if n.isOwn(pid) || inUse {
			args := command(pid)
			found = append(found, fmt.Sprintf("process %d: %s", pid, strings.Join(args[:min(2, len(args))], " ")))
		}
	}

	mounts, err := n.mounts("self")
	if err != nil {
		return nil, err
	}

	for _, point := range mounts {
		found = append(found, "mount "+point)
	}

	if linkExists() {
		found = append(found, "link "+hostLink)
	}

	groups, err := controlGroups()
	if err != nil {
		return nil, err
	}

	for _, group := range groups {
		if filepath.Base(group) == controlGroup { // nested groups are implied
			found = append(found, "control group "+group)
		}
	}

	if _, err := os.Stat(n.state); !errors.Is(err, os.ErrNotExist) {
		found = append(found, "folder "+n.state)
	}

	return found, nil
}

// mounts returns the mount points of a process that are in the state folder or show a part of it.
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
