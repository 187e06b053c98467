// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"cmp"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// State is a closed scope, as the status page and the metrics show it. It has no personal data.
type State struct {
	Scope  string // the name; the kind alone for a single conversation
	Kind   failure.Scope
	Reason Reason
	Code   string
	Cause  string
	Since  time.Time
	Until  time.Time // the next probe
}

// Snapshot returns the closed scopes by name.
func (g *Gate) Snapshot() []State {
	g.mu.Lock()
	defer g.unlock()

	g.applySettings()

	now := g.Clock.Now()

	var all []State

	for name, s := range g.states {
		// An ended rate limit stays closed until a probe, but is not reported.
		if !s.closed || s.reason == RateLimited && !now.Before(s.until) {
			continue
		}

		shown := name
		if isPersonal(name) {
			shown = string(s.kind)
		}

		all = append(all, State{
			Scope:  shown,
			Kind:   s.kind,
			Reason: s.reason,
			Code:   s.code,
			Cause:  s.cause,
			Since:  s.since,
			Until:  s.until,
		})
	}

	for name, p := range g.pacers {
		if now.Before(p.pausedUntil) {
			all = append(all, State{
				Scope:  name,
				Kind:   kindOf(name),
				Reason: RateLimited,
				Cause:  "the AI limits the rate of requests",
				Since:  p.limitedAt,
				Until:  p.pausedUntil,
			})
		}
	}

	slices.SortFunc(all, func(a, b State) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), a.Until.Compare(b.Until))
	})

	return all
}
