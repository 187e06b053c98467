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
	// ErrBackupDamaged means that a part of the store or of the copy cannot be read, for example because the disk is faulty.
	ErrBackupDamaged = errors.New("the backup is damaged: check the store with POST /store/check on the console port, and check the disk")
)

// BackedUp is implemented by an engine that can copy its store during use.
type BackedUp interface {
	// Backup returns a copy of the store at one point in time, and its size in bytes. The copy was checked for damage, and what
	// was pending in it and reaches a person has ended (see EndRestored). It needs as much free space on the store's disk, and
	// returns ErrDiskFull otherwise. The copy is removed when it is closed. There is one at a time.
	Backup(ctx context.Context) (copied Copy, size int64, err error)
}

// Copy is a copy of a store, as a file.
type Copy interface {
	io.Reader
	io.ReaderAt
	io.Closer
}
