// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package backup copies the embedded store on a schedule to a folder or a bucket, checks each copy, and deletes old ones. It
// begins a new store with a copy.
package backup

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// checkInterval is the interval at which the scheduler checks whether a backup is due.
	checkInterval = time.Minute
	// attemptTimeout bounds one attempt: the copy, its transfer and its check.
	attemptTimeout = 6 * time.Hour
	// retryDelay and maxRetryDelay are the waits after failures.
	retryDelay    = 5 * time.Minute
	maxRetryDelay = time.Hour
	// overdueAfter is the time for a copy, after the second time of the schedule without one, or after the start.
	overdueAfter = time.Hour
	// pruneInterval is how often old copies are looked for, at least.
	pruneInterval = day
	day           = 24 * time.Hour
)

// Dependencies are the dependencies of a Scheduler. All are required.
type Dependencies struct {
	Store store.BackedUp
	Live  *config.Live
	Clock clockwork.Clock
	Log   *slog.Logger
}

// Scheduler makes the copies of the configuration in force.
type Scheduler struct {
	Dependencies

	open func(*config.Backup, config.Secrets) (Target, error)

	plan     plan // whose state the following fields are
	schedule config.Schedule
	since    time.Time // when the plan came into force
	known    bool      // whether the copies of the target have been listed
	pruneAt  time.Time // when old copies are looked for, unless an attempt does before
	failures int       // in a row
	retryAt  time.Time

	mu    sync.Mutex // guards state
	state *health.Backup
}

// plan is what the copies depend on.
type plan struct {
	settings        *config.Backup
	keyID, key, pem string
}

// New returns a Scheduler. Run starts it.
func New(dependencies Dependencies) *Scheduler {
	return &Scheduler{Dependencies: dependencies, open: OpenTarget}
}

// Run makes copies until ctx ends.
func (s *Scheduler) Run(ctx context.Context) {
	ticker := s.Clock.NewTicker(checkInterval)
	defer ticker.Stop()

	for {
		s.tick(ctx)

		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
	}
}

// tick makes a backup if one is due, and prunes old ones if that is due.
func (s *Scheduler) tick(ctx context.Context) {
	snapshot := s.Live.Current()
	if snapshot.Store.Embedded == nil || snapshot.Store.Embedded.Backup == nil {
		s.use(plan{})
		return
	}

	s.use(plan{
		settings: snapshot.Store.Embedded.Backup,
		keyID:    snapshot.Secrets.BackupKeyID,
		key:      snapshot.Secrets.BackupSecret,
		pem:      snapshot.Secrets.BackupCA,
	})

	now := s.Clock.Now()
	if now.Before(s.retryAt) || s.known && now.Before(s.State().NextAt) && now.Before(s.pruneAt) {
		return
	}

	if s.plan.settings.S3 != nil && (s.plan.keyID == "" || s.plan.key == "") {
		return // reported as missing secrets
	}

	attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()

	err := s.attempt(attempt, snapshot.Secrets)

	if ctx.Err() != nil {
		return // the process ends
	}

	if err != nil {
		s.fail(err)
		return
	}

	s.succeed()
}

// use puts a plan into force, unless it is.
func (s *Scheduler) use(next plan) {
	if reflect.DeepEqual(next, s.plan) {
		return
	}

	s.plan = next
	s.since = s.Clock.Now()
	s.known = false
	s.failures = 0
	s.retryAt = time.Time{}
	s.set(nil)

	if next.settings == nil {
		return
	}

	schedule, err := config.ParseSchedule(next.settings.Schedule)
	if err != nil { // a configuration in force is valid
		s.plan = plan{}

		return
	}

	s.schedule = schedule
	s.adopt(nil)
}

// attempt lists the copies, deletes old ones, and makes one if it is due.
func (s *Scheduler) attempt(ctx context.Context, secrets config.Secrets) error {
	target, err := s.open(s.plan.settings, secrets)
	if err != nil {
		return err
	}
	defer target.Close()

	files, err := target.List(ctx)
	if err != nil {
		return err
	}

	s.known = true
	s.adopt(files)
	s.reportAhead(files)

	began := s.Clock.Now()
	due := !began.Before(s.State().NextAt)

	if due {
		if err := target.Sweep(ctx); err != nil {
			s.Log.Warn("removing the rest of an interrupted backup failed", "error", err)
		}
	}

	// Before the copy, since a full target has no room for it otherwise. A failure must not prevent the copy.
	pruned := s.prune(ctx, target, files, due)
	if !due {
		return pruned
	}

	made, err := makeCopy(ctx, s.Store, target, began)
	if err != nil {
		return errors.Join(err, pruned)
	}

	s.Log.Info("store backed up", "backup", made.Name, "bytes", made.Size, "took_ms", s.Clock.Since(began).Milliseconds())

	files, err = target.List(ctx)
	if err != nil {
		return err
	}

	s.adopt(files)

	return s.prune(ctx, target, files, false)
}

// reportAhead logs the copies that were begun while the clock was ahead.
func (s *Scheduler) reportAhead(files []File) {
	now := s.Clock.Now()

	for _, ahead := range Complete(files, now) {
		if ahead.isAhead(now) {
			s.Log.Warn("a backup was begun while the clock was ahead: delete it, since a restore would take it for the newest one", "backup", ahead.Name)
		}
	}
}

// prune deletes old copies and incomplete ones. If a copy is due, incomplete ones of any age are deleted: a target has one
// receiver, so none is in progress. Otherwise the incomplete ones that are newer than the newest complete copy stay, because
// some buckets list a new file late.
func (s *Scheduler) prune(ctx context.Context, target Target, files []File, due bool) error {
	now := s.Clock.Now()
	maxAge := time.Duration(s.plan.settings.KeepDays) * day
	oldest := time.Time{}

	if maxAge > 0 {
		oldest = now.Add(-maxAge)
	}

	s.pruneAt = now // until it succeeds

	before := now
	if !due {
		before = newestOr(files, oldest, now)
	}

	names := append(obsolete(files, s.plan.settings.Keep, oldest, now), incomplete(files, before, now)...)
	for _, name := range names {
		if err := target.Delete(ctx, name); err != nil {
			return err
		}
	}

	if len(names) > 0 {
		var err error
		if files, err = target.List(ctx); err != nil {
			return err
		}

		s.adopt(files)
	}

	s.pruneAt = now.Add(pruneInterval)

	for i, old := range Complete(files, now) {
		expires := old.At.Add(maxAge)
		if maxAge > 0 && i > 0 && expires.Before(s.pruneAt) {
			s.pruneAt = expires
		}
	}

	return nil
}
