// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxReported bounds the period of a scope that a webhook closed, unless the configured period is longer: each probe is a
// message that is lost if its cause is not mended.
const maxReported = 10 * time.Minute

// Reported closes the scope of a failure of class Configuration that Meta reports in a webhook, from the time at which it
// happened: Meta accepted the message first, as it accepts the next one. The scope therefore opens only if Meta reports no
// failure of a probe within a further period. The same report twice changes nothing, nor does one that comes too late.
func (g *Gate) Reported(ctx context.Context, call Call, f *failure.Error, at time.Time) error {
	g.mu.Lock()
	pause := g.reported(call, f, at)
	g.unlock()

	return g.share(ctx, pause, nil)
}

// reported returns the pause to share with other receivers, or nil. Each failed probe makes it four times as long. The caller
// holds the lock.
func (g *Gate) reported(call Call, f *failure.Error, at time.Time) *store.Pause {
	name := call.name(f.Scope)
	if name == "" {
		return nil
	}

	s := g.state(name)
	if s.closed && !s.accepted && at.Before(s.until) {
		return nil // of a message that was sent before
	}

	level := 0
	if s.closed && at.Sub(s.until) < LevelMemory {
		level = min(s.level+1, maxLevel)
	}

	period := g.settings.Processing.ConfigurationRetry

	wait := period
	for range level {
		wait = min(wait*4, max(maxReported, period))
	}

	now := g.Clock.Now()

	until := at.Add(wait)
	if !until.After(now) {
		return nil // reported too late to matter
	}

	g.logClosed(name, s, Refused, f)
	s.close(Refused, f, now, until)
	s.level = level
	s.reportedAt = now
	s.sharedAt = time.Time{}

	return &store.Pause{
		Scope: name,
		Until: until,
		Level: level,
		Code:  f.Code,
	}
}

// awaitReport records that Meta has accepted the probe of a scope that a webhook closed, and may report its failure later. A
// call that began before the webhook proves nothing, nor does one that Meta refused for its message. The caller holds the lock.
func (p *Permit) awaitReport(s *state, f *failure.Error, now time.Time) {
	if f != nil || !p.began.After(s.reportedAt) {
		return
	}

	s.accepted = true
	s.until = now.Add(p.gate.settings.Processing.ConfigurationRetry)
}

// opensByTime opens a scope that a webhook closed, if its probe was accepted and Meta has reported no failure of it in time,
// and reports whether it did. The caller holds the lock, and releases it with unlock.
func (g *Gate) opensByTime(name string, s *state, now time.Time) bool {
	if !s.accepted || now.Before(s.until) {
		return false
	}

	g.open(name, s)

	return true
}
