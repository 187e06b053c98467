// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"io"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// Content is the content of a file of a target.
type Content interface {
	io.Reader
	io.ReaderAt
}

// Target is where copies are stored. Its errors are safe to log.
type Target interface {
	// List returns the files of copies, in any order: those of the newest ones if there are more than maxFiles. It never
	// returns a part of a listing that was interrupted.
	List(ctx context.Context) ([]File, error)
	// Put stores a file, durably. It is not visible before it is complete.
	Put(ctx context.Context, name string, content Content, size int64) error
	// Open opens a file for reading.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// Delete deletes a file.
	Delete(ctx context.Context, name string) error
	// Sweep removes what interrupted calls of Put have left, which List never returns.
	Sweep(ctx context.Context) error
	// Close ends the connections of the target.
	Close()
}

// OpenTarget returns the target of a configuration. It calls nothing.
func OpenTarget(settings *config.Backup, secrets config.Secrets) (Target, error) {
	if settings.S3 != nil {
		return newBucket(settings.S3, secrets)
	}

	return folder(settings.Folder), nil
}
