// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"fmt"
	"os"
	"syscall"

	"modernc.org/sqlite"
)

// syncDataOnly makes commits wait for the data and the size of a file, not for its times: less work for the disk, and as
// durable. It is the setting of SQLite's own builds for Linux. Where the system does not allow the call, as a seccomp profile
// may not, commits wait for everything.
func syncDataOnly(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}

	allowed := syscall.Fdatasync(int(f.Fd())) == nil
	if err := f.Close(); err != nil {
		return err
	}

	if _, err := sqlite.Fdatasync(allowed); err != nil {
		return fmt.Errorf("choose the system call that makes commits durable: %w", err)
	}

	return nil
}
