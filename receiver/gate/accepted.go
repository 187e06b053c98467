// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"

// Accepted ends a call to the Graph API that is no send, and that Meta answered. Of the scopes that it probes only the app
// opens, if a call was refused for its credential, which every call has: nothing else proves that messages may be sent.
func (p *Permit) Accepted() {
	g := p.gate

	g.mu.Lock()
	defer g.unlock()

	if p.ended {
		return
	}

	p.end()

	g.problems.Succeeded(p.call.name(failure.ScopeApp), p.began)

	for _, name := range p.probes {
		s := g.states[name]
		if s != nil && s.closed && s.kind == failure.ScopeApp && s.reason == Refused {
			g.open(name, s)
		}
	}
}
