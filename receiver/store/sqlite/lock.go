// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"fmt"
	"os"
)

// errLocked means that another process holds the lock.
var errLocked = errors.New("the file is locked")

// acquire takes an advisory lock that ends with the process, however it ends. It locks a separate file: closing any
// descriptor of the database would drop SQLite's locks on it.
func acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("its folder must be writable: %w", err)
	}

	if err := lock(f); err != nil {
		_ = f.Close() // there is nothing to lose

		if errors.Is(err, errLocked) {
			return nil, errors.New("another process has it open: stop that process first, an embedded store serves one receiver")
		}

		return nil, fmt.Errorf("lock %s: %w", path, err)
	}

	return f, nil
}
