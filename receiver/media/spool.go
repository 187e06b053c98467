// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package media brings what a person sent into a folder of the receiver's own: it looks the media up, downloads it
// with bounds on time, size and hosts, checks it, and takes it away again when it was used.
package media

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// filePrefix marks the files of a spool, the only ones that are ever removed from its folder.
const filePrefix = "whatsapp-media-"

// Kind is the type of a message that carries media.
type Kind string

// The kinds.
const (
	Image    Kind = "image"
	Audio    Kind = "audio"
	Video    Kind = "video"
	Document Kind = "document"
	Sticker  Kind = "sticker"
)

// largest is the size in bytes that WhatsApp lets each kind have.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
var largest = map[Kind]int64{
	Image:    5 << 20,
	Audio:    16 << 20,
	Video:    16 << 20,
	Document: 100 << 20,
	Sticker:  500 << 10,
}

// Lookup asks the Graph API for a media id of phoneNumberID. Its errors are of type *failure.Error.
type Lookup interface {
	MediaInfo(ctx context.Context, phoneNumberID, mediaID string) (cloudapi.MediaInfo, error)
}

// Spool is the folder of downloaded media. It is safe for concurrent use.
type Spool struct {
	live   *config.Live
	lookup Lookup
	clock  clockwork.Clock
	http   *http.Client
	dir    string
	most   int64
	room   *semaphore.Weighted // bytes; those who wait for some get them in order
	used   atomic.Int64
}

// Open makes media.spoolDir, or removes what an earlier process left in it. The folder and media.maxSpoolBytes are those
// of this moment; every other setting is the one in force at each download.
func Open(live *config.Live, lookup Lookup, clock clockwork.Clock) (*Spool, error) {
	settings := live.Current().Media
	if err := os.MkdirAll(settings.SpoolDir, 0o700); err != nil {
		return nil, fmt.Errorf("make media.spoolDir: %w", err)
	}
	// The folder of a mounted volume belongs to another user and keeps its mode; the files in it have 0600 in any case.
	_ = os.Chmod(settings.SpoolDir, 0o700) //nolint:gosec // a folder needs the execute bit
	if err := removeLeftovers(settings.SpoolDir); err != nil {
		return nil, fmt.Errorf("empty media.spoolDir: %w", err)
	}

	return &Spool{
		live:   live,
		lookup: lookup,
		clock:  clock,
		http:   newClient(live),
		dir:    settings.SpoolDir,
		most:   settings.MaxSpoolBytes,
		room:   semaphore.NewWeighted(settings.MaxSpoolBytes),
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

// Bytes is what the files in the spool have, and what is reserved for downloads under way.
func (s *Spool) Bytes() int64 { return s.used.Load() }

// Close ends idle connections. Files that were not removed stay until the next Open.
func (s *Spool) Close() { s.http.CloseIdleConnections() }

// reserve takes room, and tells whether it had to wait for others to give some back.
func (s *Spool) reserve(ctx context.Context, bytes int64) (waited bool, err error) {
	if waited = !s.room.TryAcquire(bytes); waited {
		if err := s.room.Acquire(ctx, bytes); err != nil {
			return true, err
		}
	}

	s.used.Add(bytes)

	return waited, nil
}

func (s *Spool) release(bytes int64) {
	s.used.Add(-bytes)
	s.room.Release(bytes)
}
