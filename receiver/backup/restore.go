// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

const (
	// restoreDelay and maxRestoreDelay are the waits after failed attempts to restore.
	restoreDelay    = 5 * time.Second
	maxRestoreDelay = 5 * time.Minute
	// changeInterval is the interval at which a wait checks whether the configuration has changed.
	changeInterval = time.Second
)

// Restorer begins a store that does not exist yet with a copy. All fields are required.
type Restorer struct {
	// Install makes the copy that write writes, of size bytes, the store, unless there is one.
	Install func(ctx context.Context, size int64, write func(io.Writer) error) error
	// Report shows the progress, or why the last attempt failed.
	Report func(text string, failed bool)
	Live   *config.Live
	Clock  clockwork.Clock
	Log    *slog.Logger
}

// Run restores the copy that the configuration in force names. It tries again until it succeeds, until the configuration names
// none, or until ctx ends, which alone is an error.
func (r *Restorer) Run(ctx context.Context) error {
	failures := 0

	r.Report("restoring the store: looking for the backup", false) // once: later attempts leave the last failure to be seen

	for {
		snapshot := r.Live.Current()

		err := r.attempt(ctx, snapshot)
		if err == nil {
			return nil
		}

		if ctx.Err() != nil {
			return fmt.Errorf("restore the store: %w", context.Cause(ctx))
		}

		wait := failure.Backoff(failures, restoreDelay, maxRestoreDelay, rand.Float64()) //nolint:gosec // jitter
		again := r.Clock.Now().Add(wait).UTC()

		r.Report(fmt.Sprintf("the store cannot be restored: %v; the next attempt is at %s", err, again.Format(time.TimeOnly)), true)
		r.Log.Error("store cannot be restored", "error", err, "again", again)

		if r.wait(ctx, again, snapshot) {
			failures = 0
		} else {
			failures++
		}
	}
}

// attempt restores the copy that the configuration names. It returns nil if there is nothing to do.
func (r *Restorer) attempt(ctx context.Context, snapshot *config.Snapshot) error {
	if snapshot.Store.Embedded == nil || snapshot.Store.Embedded.Backup == nil || snapshot.Store.Embedded.Backup.Restore == "" {
		return nil
	}

	settings := snapshot.Store.Embedded.Backup
	if settings.S3 != nil && (snapshot.Secrets.BackupKeyID == "" || snapshot.Secrets.BackupSecret == "") {
		return fmt.Errorf("the secret %s or %s is missing", config.RoleBackupKeyID, config.RoleBackupSecret)
	}

	target, err := OpenTarget(settings, snapshot.Secrets)
	if err != nil {
		return err
	}
	defer target.Close()

	found, err := find(ctx, target, settings.Restore)
	if errors.Is(err, errNone) && settings.Restore == config.RestoreNewest {
		r.Log.Warn("store starts empty: there is no backup to restore")
		return nil
	}

	if err != nil {
		return err
	}

	began := r.Clock.Now()

	err = r.Install(ctx, found.Size, func(to io.Writer) error {
		shown := &measured{
			to: to,
			report: func(mebibytes int64) {
				r.reportf("restoring the store from %s: %d of %d MiB", found.Name, mebibytes, found.Size>>20+1)
			},
		}

		if err := download(ctx, target, found, shown); err != nil {
			return err
		}

		r.reportf("restoring the store from %s: checking the backup", found.Name)

		return nil
	})
	if err != nil {
		return fmt.Errorf("the backup %s: %w", found.Name, err)
	}

	r.Log.Info("store restored", "backup", found.Name, "bytes", found.Size, "took_ms", r.Clock.Since(began).Milliseconds())

	return nil
}

func (r *Restorer) reportf(format string, args ...any) { r.Report(fmt.Sprintf(format, args...), false) }

// wait waits until a time, until ctx ends, or until the configuration or a secret has changed, which it reports.
func (r *Restorer) wait(ctx context.Context, until time.Time, of *config.Snapshot) (changed bool) {
	ticker := r.Clock.NewTicker(changeInterval)
	defer ticker.Stop()

	for r.Clock.Now().Before(until) {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.Chan():
		}

		if r.Live.Current() != of {
			return true
		}
	}

	return false
}

// measured is a writer that reports each mebibyte.
type measured struct {
	to      io.Writer
	report  func(mebibytes int64)
	written int64
}

func (m *measured) Write(p []byte) (int, error) {
	n, err := m.to.Write(p)

	before := m.written >> 20
	m.written += int64(n)

	if now := m.written >> 20; now != before {
		m.report(now)
	}

	return n, err
}
