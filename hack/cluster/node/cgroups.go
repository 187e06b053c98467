// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// controlGroup is the parent control group of all pods, in each hierarchy.
const controlGroup = "whatsapp-webhook-cluster"

// hierarchies returns the mount points of control groups: one with version 2, one for each controller with version 1.
func hierarchies() ([]string, error) {
	mounts, err := mountsOf("self")
	if err != nil {
		return nil, err
	}

	var points []string
	for _, m := range mounts {
		if (m.kind == "cgroup" || m.kind == "cgroup2") && !slices.Contains(points, m.point) {
			points = append(points, m.point)
		}
	}

	return points, nil
}

// makeControlGroups creates the parent control group of the pods.
func makeControlGroups() error {
	points, err := hierarchies()
	if err != nil {
		return err
	}

	for _, point := range points {
		if err := os.MkdirAll(filepath.Join(point, controlGroup), 0o750); err != nil {
			return fmt.Errorf("create the pods' control group: %w", err)
		}
	}

	return nil
}

// controlGroups returns the existing control groups, the innermost first.
func controlGroups() ([]string, error) {
	points, err := hierarchies()
	if err != nil {
		return nil, err
	}

	var groups []string
	for _, point := range points {
		err := filepath.WalkDir(filepath.Join(point, controlGroup), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				groups = append(groups, path)
			}

			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}

			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list control groups: %w", err)
		}
	}

	slices.Reverse(groups)

	return groups, nil
}

// removeControlGroups retries, because the kernel releases the groups of ended processes with a delay.
func removeControlGroups(ctx context.Context) error {
	return until(ctx, 20*time.Second, func(context.Context) error {
		groups, err := controlGroups()
		if err != nil {
			return err
		}

		for _, group := range groups {
			if err := os.Remove(group); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}

		return nil
	})
}
