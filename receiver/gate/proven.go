// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

// shareProblem shares with the other receivers that this one found a scope refused or unavailable. The scope of one
// conversation is not shared: it concerns no other event, and its name contains a phone number. The caller holds the lock.
func (g *Gate) shareProblem(name string) {
	if !isPersonal(name) {
		g.problems.Failed(name)
	}
}

// openProven opens a scope after another receiver found that it is no longer refused or unavailable. It does nothing before
// the period of the scope ends. A peer that one receiver reaches may still be unreachable for this one: after an outage the
// scope stays closed for a second period, and the next failed call closes it again. The caller holds the lock.
func (g *Gate) openProven(name string) {
	s := g.states[name]
	if s == nil || !s.closed || s.probing {
		return
	}

	opens := s.until
	if s.reason == Unavailable {
		opens = opens.Add(g.settings.CircuitBreaker().OpenDuration)
	}

	if g.Clock.Now().Before(opens) {
		return
	}

	before := *s

	g.open(name, s)

	if before.reason == Unavailable {
		s.failures = before.failures
		s.failing = before.failing
	}

	if pacer := g.pacers[name]; pacer != nil {
		pacer.restart()
	}
}
