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
	// ErrBackupAborted means that the backup was aborted because new events would have filled the disk.
	ErrBackupAborted = errors.New("the backup was aborted, since many events arrived meanwhile")
	// ErrBackupDamaged means that the store cannot be read everywhere, or that the copy cannot, as if its disk is faulty.
	ErrBackupDamaged = errors.New("the backup is damaged: check the store with POST /store/check on the console port, and check the disk")
)

// BackedUp is implemented by an engine that can copy itself while it is used.
type BackedUp interface {
	// Backup returns a copy of the store at one point in time, and its size in bytes. The copy was checked for damage, and what was
	// pending in it and reaches a person has ended (see EndRestored). It needs that much room on the store's disk, or returns ErrDiskFull. The
	// copy is removed when it is closed. There is one at a time.
	Backup(ctx context.Context) (copied Copy, size int64, err error)
}

// Copy is a copy of a store, as a file.
type Copy interface {
	io.Reader
	io.ReaderAt
	io.Closer
}
