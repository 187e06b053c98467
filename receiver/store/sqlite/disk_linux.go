// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"fmt"
	"os"
	"syscall"
)

// diskSpace returns the size of the filesystem of a file's folder, and the space that this process may use.
func diskSpace(folder string) (total, free int64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, 0, fmt.Errorf("read the space of %s: %w", folder, err)
	}

	block := uint64(fs.Bsize) //nolint:gosec // the kernel reports a positive size

	return int64(fs.Blocks * block), int64(fs.Bavail * block), nil //nolint:gosec // below 8 EiB
}

// allocate reserves space for a file without writing it. Not every filesystem can.
func allocate(f *os.File, size int64) error { return syscall.Fallocate(int(f.Fd()), 0, 0, size) }

// occupied returns the space that a file takes, 0 if there is none.
func occupied(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}

	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}

	return min(info.Size(), stat.Blocks*512)
}
