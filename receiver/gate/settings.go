// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"reflect"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// applySettings opens the scopes whose credential, address or setting has changed. The caller holds the lock.
func (g *Gate) applySettings() {
	next := g.Live.Current()
	if next == g.settings {
		return
	}

	before := g.settings
	g.settings = next

	if Changed(Graph, before, next) {
		g.reset(Graph)
	}

	if Changed(AI, before, next) {
		g.reset(AI)
		clear(g.pacers)
	}
}

// Changed reports whether a credential, an address, a setting or the trusted authorities of a target changed, so that a call
// that failed before may succeed.
func Changed(target Target, before, after *config.Snapshot) bool {
	if target == Graph {
		return graphChanged(before, after)
	}

	return birdChanged(before, after)
}

func graphChanged(a, b *config.Snapshot) bool {
	return a.Secrets.AccessToken != b.Secrets.AccessToken ||
		a.Secrets.MetaCA != b.Secrets.MetaCA ||
		!slices.Equal(a.Secrets.AppSecrets, b.Secrets.AppSecrets) || // whose proof Meta may have refused
		!reflect.DeepEqual(a.CloudAPI, b.CloudAPI)
}

func birdChanged(a, b *config.Snapshot) bool {
	return a.Secrets.BirdAccessKey != b.Secrets.BirdAccessKey ||
		a.Secrets.FlowSigningKey != b.Secrets.FlowSigningKey ||
		a.Secrets.OpenAIKey != b.Secrets.OpenAIKey ||
		a.Secrets.AICA != b.Secrets.AICA ||
		!reflect.DeepEqual(a.Bird, b.Bird) || !reflect.DeepEqual(a.OpenAI, b.OpenAI)
}

// reset opens the scopes of a target, unless a rate limit closed them.
func (g *Gate) reset(target Target) {
	for name, s := range g.states {
		if belongsTo(name, target) && !s.isLimited() {
			g.open(name, s)
			delete(g.states, name)
		}
	}

	g.opened = true
}

// open opens a scope. The caller holds the lock, and releases it with unlock.
func (g *Gate) open(name string, s *state) {
	if s.closed {
		g.opened = true
		g.problems.Forget(name)

		if !isPersonal(name) {
			g.Log.Info("scope open", "scope", name, "was", s.reason)
		}
	}

	s.open()
}

// unlock releases the lock and reports that scopes opened.
func (g *Gate) unlock() {
	opened := g.opened
	g.opened = false

	g.mu.Unlock()

	if opened {
		g.Opened()
	}
}

// logClosed logs that a scope closes. A limit of one conversation is too common to be logged, and its name contains a
// phone number.
func (g *Gate) logClosed(name string, s *state, reason Reason, f *failure.Error) {
	if isPersonal(name) || s.closed {
		return
	}

	g.Log.Warn("scope closed: its events wait",
		"scope", name,
		"reason", reason,
		"code", f.Code,
		"error", f.Text)
}
