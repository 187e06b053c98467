// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
)

// closedScopes returns the closed scopes by kind, as the metrics count them. The circuit of a method that is apart from the
// others, such as that of statuses, is no circuit of all of Bird.
func closedScopes(states []gate.State) []metrics.ClosedScope {
	all := make([]metrics.ClosedScope, 0, len(states))

	for _, state := range states {
		kind := string(state.Kind)

		switch {
		case state.Scope == string(gate.Graph):
			kind = string(gate.Graph)
		case strings.HasPrefix(state.Scope, string(failure.ScopeBird)+":"):
			kind = string(failure.ScopeBirdMethod)
		}

		all = append(all, metrics.ClosedScope{Kind: kind, Reason: string(state.Reason)})
	}

	return all
}
