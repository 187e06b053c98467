// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"

// Accepted ends a call to the Graph API that Meta answered and that is not a send. If the call probes the scope of the app,
// and that is closed for a refused credential, the scope opens, because every call has the same credential. All other scopes
// stay closed: the answer does not prove that messages may be sent.
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
