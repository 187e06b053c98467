// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
)

// maxClosedScopes bounds the closed scopes that the status page shows.
const maxClosedScopes = 50

// countedScopes returns the closed scopes as the metrics count them: by kind, since names are unbounded.
func (r *Receiver) countedScopes() []metrics.ClosedScope {
	states := r.engine.Closed()
	all := make([]metrics.ClosedScope, 0, len(states))

	for _, state := range states {
		all = append(all, metrics.ClosedScope{Kind: string(state.Kind), Reason: string(state.Reason)})
	}

	return all
}

// shownScopes returns the closed scopes as the status page shows them.
func (r *Receiver) shownScopes() []health.ClosedScope {
	states := r.engine.Closed()
	states = states[:min(len(states), maxClosedScopes)]
	all := make([]health.ClosedScope, 0, len(states))

	for _, state := range states {
		all = append(all, health.ClosedScope{
			Scope:  state.Scope,
			Reason: string(state.Reason),
			Code:   state.Code,
			Cause:  state.Cause,
			Since:  state.Since,
			Until:  state.Until,
		})
	}

	return all
}
