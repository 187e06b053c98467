// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"io"
)

var (
	// ErrBackupRunning means that another copy of the store is being made or read.
	ErrBackupRunning = errors.New("another backup is in progress")
	// ErrBackupAborted means that so many events arrived meanwhile that a copy would have filled the disk.
	ErrBackupAborted = errors.New("the backup was aborted, since many events arrived meanwhile")
)

// BackedUp is implemented by an engine that can copy itself while it is used.
type BackedUp interface {
	// Backup returns a copy of the store at one point in time, and its size in bytes. It needs that much room on the
	// store's disk, or returns ErrDiskFull. The copy is removed when it is closed. There is one at a time.
	Backup(ctx context.Context) (copied io.ReadCloser, size int64, err error)
}
