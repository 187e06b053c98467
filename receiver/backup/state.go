// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// State returns the state of the copies, or nil if none are wanted.
func (s *Scheduler) State() *health.Backup {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.state == nil {
		return nil
	}

	return new(*s.state)
}

// Problems returns the problems of the backups by operation.
func (s *Scheduler) Problems() map[string]string {
	state := s.State()
	if state == nil {
		return nil
	}

	last := "no complete backup is known"
	missed := "within an hour of the start"

	if state.LastSuccessAt != nil {
		last = "the newest backup is of " + state.LastSuccessAt.Format(time.RFC3339)
		missed = "at the last two times of the schedule"
	}

	switch {
	case state.LastError != "":
		return map[string]string{"backup": fmt.Sprintf("the last backup failed: %s; %s", state.LastError, last)}
	case s.Clock.Now().After(state.OverdueAt):
		return map[string]string{"backup": fmt.Sprintf("no backup was made %s: %s", missed, last)}
	default:
		return nil
	}
}

// adopt records the backups of the target. The last failure stays until an attempt succeeds.
//
// Without a backup, or while the backups are unknown, the first attempt is due at the start. Otherwise a receiver that restarts
// often would never reach a time of the schedule.
func (s *Scheduler) adopt(files []File) {
	now := s.Clock.Now()
	copies := Complete(files, now)
	state := &health.Backup{
		Copies:    len(copies),
		NextAt:    s.since,
		OverdueAt: s.since.Add(overdueAfter),
	}

	if previous := s.State(); previous != nil {
		state.LastError = previous.LastError
		state.LastErrorAt = previous.LastErrorAt
	}

	if len(copies) > 0 && !copies[0].isAhead(now) {
		newest := copies[0]
		state.LastSuccessAt = &newest.At
		state.LastSizeBytes = newest.Size
		state.NextAt = s.schedule.Next(newest.At)
		state.OverdueAt = s.schedule.Next(state.NextAt).Add(overdueAfter)
	}

	s.set(state)
}

// succeed records an attempt that succeeded.
func (s *Scheduler) succeed() {
	s.failures = 0
	s.retryAt = time.Time{}

	state := s.State()
	state.LastError = ""
	state.LastErrorAt = nil
	s.set(state)
}

// fail records a failed attempt. The copies that were made before stay as they are.
func (s *Scheduler) fail(err error) {
	s.retryAt = s.Clock.Now().Add(failure.Backoff(s.failures, retryDelay, maxRetryDelay, rand.Float64())) //nolint:gosec // jitter
	s.failures++
	s.Log.Error("scheduled backup failed", "error", err, "again", s.retryAt)

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
