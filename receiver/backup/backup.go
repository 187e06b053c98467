// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package backup copies the embedded store on a schedule to a folder or a bucket, checks each copy, and deletes old ones. It
// begins a new store with a copy.
package backup

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// lookEvery is how often the scheduler looks whether a copy is due.
	lookEvery = time.Minute
	// attemptTimeout bounds one attempt: the copy, its transfer and its check.
	attemptTimeout = 6 * time.Hour
	// retryBase and retryLimit are the waits after failures.
	retryBase  = 5 * time.Minute
	retryLimit = time.Hour
	// overdueAfter is the time for a copy, after the second time of the schedule without one.
	overdueAfter = time.Hour
	day          = 24 * time.Hour
)

// Parts are the dependencies of a Scheduler. All are required.
type Parts struct {
	Store store.BackedUp
	Live  *config.Live
	Clock clockwork.Clock
	Log   *slog.Logger
}

// Scheduler makes the copies of the configuration in force.
type Scheduler struct {
	Parts

	plan     plan // whose state the following fields are
	schedule config.Schedule
	since    time.Time // when the plan came into force
	known    bool      // whether the copies of the target have been listed
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
func New(parts Parts) *Scheduler { return &Scheduler{Parts: parts} }

// Run makes copies until ctx ends.
func (s *Scheduler) Run(ctx context.Context) {
	ticker := s.Clock.NewTicker(lookEvery)
	defer ticker.Stop()

	for {
		s.look(ctx)

		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
	}
}

// State returns the state of the copies, or nil if none are wanted.
func (s *Scheduler) State() *health.Backup {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.state == nil {
		return nil
	}

	return new(*s.state)
}

// Problems returns what an administrator has to mend, by operation.
func (s *Scheduler) Problems() map[string]string {
	state := s.State()
	if state == nil {
		return nil
	}

	last := "there is no copy"
	if state.LastSuccessAt != nil {
		last = "the newest copy is of " + state.LastSuccessAt.Format(time.RFC3339)
	}

	switch {
	case state.LastError != "":
		return map[string]string{"backup": fmt.Sprintf("the last backup failed: %s; %s", state.LastError, last)}
	case s.Clock.Now().After(state.OverdueAt):
		return map[string]string{"backup": "no backup was made at the last two times of the schedule: " + last}
	default:
		return nil
	}
}

// look makes a copy if one is due.
func (s *Scheduler) look(ctx context.Context) {
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
	if now.Before(s.retryAt) || s.known && now.Before(s.State().NextAt) {
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

	s.failures = 0
	s.retryAt = time.Time{}
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

	if next.settings == nil {
		s.set(nil)
		return
	}

	schedule, err := config.ParseSchedule(next.settings.Schedule)
	if err != nil { // a configuration in force is valid
		s.set(nil)
		s.plan = plan{}

		return
	}

	s.schedule = schedule
	s.learn(nil)
}

// attempt lists the copies if they are not known, and makes one if it is due.
func (s *Scheduler) attempt(ctx context.Context, secrets config.Secrets) error {
	target, err := OpenTarget(s.plan.settings, secrets)
	if err != nil {
		return err
	}
	defer target.Close()

	if !s.known {
		files, err := target.List(ctx)
		if err != nil {
			return err
		}

		s.known = true
		s.learn(files)
	}

	began := s.Clock.Now()
	if began.Before(s.State().NextAt) {
		return nil
	}

	if err := target.Sweep(ctx); err != nil {
		s.Log.Warn("removing the rest of an interrupted backup failed", "error", err)
	}

	made, err := makeCopy(ctx, s.Store, target, began)
	if err != nil {
		return err
	}

	s.Log.Info("the store was backed up", "copy", made.Name, "bytes", made.Size, "took", s.Clock.Since(began))

	files, err := target.List(ctx)
	if err != nil {
		return err
	}

	s.learn(files)

	return s.prune(ctx, target, files)
}

// prune deletes old copies.
func (s *Scheduler) prune(ctx context.Context, target Target, files []File) error {
	oldest := time.Time{}
	if days := s.plan.settings.KeepDays; days > 0 {
		oldest = s.Clock.Now().Add(-time.Duration(days) * day)
	}

	names := obsolete(files, s.plan.settings.Keep, oldest)
	for _, name := range names {
		if err := target.Delete(ctx, name); err != nil {
			return err
		}
	}

	if len(names) == 0 {
		return nil
	}

	files, err := target.List(ctx)
	if err == nil {
		s.learn(files)
	}

	return err
}

// learn records the copies of the target.
func (s *Scheduler) learn(files []File) {
	copies := Complete(files)
	state := &health.Backup{Copies: len(copies), NextAt: s.since}
	base := s.since

	if len(copies) > 0 {
		newest := copies[0]
		base = newest.At
		state.LastSuccessAt = &newest.At
		state.LastSizeBytes = newest.Size
		state.NextAt = s.schedule.Next(base)
	}

	state.OverdueAt = s.schedule.Next(s.schedule.Next(base)).Add(overdueAfter)
	s.set(state)
}

// fail records a failed attempt. The copies that were made before stay as they are.
func (s *Scheduler) fail(err error) {
	s.retryAt = s.Clock.Now().Add(failure.Backoff(s.failures, retryBase, retryLimit, rand.Float64())) //nolint:gosec // jitter
	s.failures++
	s.Log.Error("the backup failed", "error", err, "again", s.retryAt)

	state := s.State()
	state.LastError = err.Error()
	state.LastErrorAt = new(s.Clock.Now())
	s.set(state)
}

func (s *Scheduler) set(state *health.Backup) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.state = state
}
