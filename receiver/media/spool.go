// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package media downloads files into a directory of the receiver, with limits on time, size and hosts, and removes them
// after use. It downloads the files that people send, which it looks up at Meta and verifies, and the files that answers
// link to.
package media

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// filePrefix marks the files of a spool. No others are removed from its directory.
const filePrefix = "whatsapp-media-"

// maxBytes is the size up to which Meta delivers media of every type that a person sends. Its smaller limits by type are
// those of media that a business sends.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media, "Get media"
const maxBytes = 100 << 20

// Lookup returns the description of a media id that phoneNumberID received. Its errors are of type *failure.Error.
type Lookup interface {
	// MediaInfo describes the file.
	MediaInfo(ctx context.Context, phoneNumberID, mediaID string) (cloudapi.MediaInfo, error)
}

// Spool is the folder of downloaded media. It is safe for concurrent use.
type Spool struct {
	live   *config.Live
	lookup Lookup
	http   *httpclient.Client // of Meta's media hosts
	links  *httpclient.Client // of the servers that answers link to
	dir    string

	capacity int64               // bytes
	free     *semaphore.Weighted // bytes; waiters get them in order
	used     atomic.Int64        // bytes
}

// Open creates media.spoolDir, or removes an earlier process's files from it. It reads the directory and
// media.maxSpoolBytes once, and every other setting at each download.
func Open(live *config.Live, lookup Lookup, clock clockwork.Clock) (*Spool, error) {
	settings := live.Current().Media
	if err := os.MkdirAll(settings.SpoolDir, 0o700); err != nil {
		return nil, fmt.Errorf("create media.spoolDir: %w", err)
	}
	// The directory of a mounted volume may belong to another user and keep its mode; its files have mode 0600 anyway.
	_ = os.Chmod(settings.SpoolDir, 0o700) //nolint:gosec // a directory needs the execute bit
	if err := removeLeftovers(settings.SpoolDir); err != nil {
		return nil, fmt.Errorf("empty media.spoolDir: %w", err)
	}

	return &Spool{
		live:   live,
		lookup: lookup,
		http:   newClient(live, clock),
		links:  newLinkClient(live, clock),
		dir:    settings.SpoolDir,

		capacity: settings.MaxSpoolBytes,
		free:     semaphore.NewWeighted(settings.MaxSpoolBytes),
	}, nil
}

func removeLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}

	for _, entry := range entries {
		if !entry.Type().IsRegular() || !strings.HasPrefix(entry.Name(), filePrefix) {
			continue
		}

		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}

	return nil
}

// Bytes returns the size of the files in the spool and of the downloads in progress.
func (s *Spool) Bytes() int64 { return s.used.Load() }

// Close closes the idle connections. Files that were not removed remain until the next Open.
func (s *Spool) Close() {
	s.http.Close()
	s.links.Close()
}

// newFile returns a file that has not been downloaded, once there is space for it. waited reports whether it had to wait.
func (s *Spool) newFile(ctx context.Context, size int64) (file *File, waited bool, err error) {
	waited, err = s.reserve(ctx, size)
	if err != nil {
		return nil, false, &failure.Error{
			Class: failure.Transient,
			Op:    op,
			Code:  CodeNoRoom,
			Text:  "stopped while waiting for space in the spool",
		}
	}

	return &File{spool: s, reserved: size}, waited, nil
}

// reserve takes space, and reports whether it had to wait for others to release some.
func (s *Spool) reserve(ctx context.Context, bytes int64) (waited bool, err error) {
	if waited = !s.free.TryAcquire(bytes); waited {
		if err := s.free.Acquire(ctx, bytes); err != nil {
			return true, err
		}
	}

	s.used.Add(bytes)

	return waited, nil
}

func (s *Spool) release(bytes int64) {
	s.used.Add(-bytes)
	s.free.Release(bytes)
}
