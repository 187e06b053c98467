// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

// shareProblem makes the problem of a scope that this receiver found refused or unavailable known to the others. That of one
// conversation is its own, and its name has a phone number. The caller holds the lock.
func (g *Gate) shareProblem(name string) {
	if !isPersonal(name) {
		g.problems.Failed(name)
	}
}

// openProven opens a scope of which another receiver found that it is no longer refused or unavailable, once its period is
// over: until then it also waits for its own probe. What one receiver cannot reach, another may reach: an outage has to
// be over for another period without a probe, and the next failed call closes the scope again. The caller holds the lock.
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
