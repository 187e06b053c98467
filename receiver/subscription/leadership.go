// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"context"
	"encoding/json"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

const (
	// leadershipTerm is the time after which another receiver takes over from a dead leader.
	leadershipTerm = time.Minute
	// renewInterval leaves two more attempts before the term ends.
	renewInterval = leadershipTerm / 3
	// standbyInterval is how often a receiver that does not lead tries to, and reads the leader's state.
	standbyInterval = 10 * time.Second
)

// leaderState is the JSON that the leader publishes for the other receivers.
type leaderState struct {
	Subscription health.Subscription `json:"subscription"`
	Token        health.TokenState   `json:"token"`
	ExpiresAt    time.Time           `json:"expiresAt,omitzero"`
}

// lead acquires or renews the leadership for a term, and reports whether this receiver leads. A receiver that does not lead
// adopts the leader's state.
func (r *Reconciler) lead(ctx context.Context, term time.Duration) bool {
	leading, state, err := r.candidate.Acquire(ctx, term)
	switch {
	case err != nil && ctx.Err() == nil:
		r.Log.Error("leader election for the webhook subscription failed", "error", err)
	case err == nil && !leading:
		r.adopt(state)
	}

	return leading
}

// adopt takes over the state that the leader published.
func (r *Reconciler) adopt(published []byte) {
	var state leaderState
	if json.Unmarshal(published, &state) != nil || state.Subscription.State == "" {
		return // nothing is published yet, or by another release
	}

	adopted := result{
		subscription: state.Subscription,
		token:        state.Token,
		expiresAt:    state.ExpiresAt,
	}

	// While the leader reports nothing new, the token state that this receiver's own sends report is newer: see Token.
	latest := r.latestResult()

	unchanged := latest.subscription == adopted.subscription &&
		latest.token == adopted.token &&
		latest.expiresAt.Equal(adopted.expiresAt)
	if unchanged {
		return
	}

	adopted.sendsToken = r.Sends()
	r.setResult(adopted)
}

// publish publishes the latest result and shortens the term, which was long enough for a check. It returns false if the
// check outlasted the term and another receiver leads now.
func (r *Reconciler) publish(ctx context.Context) bool {
	latest := r.latestResult()

	state, err := json.Marshal(leaderState{
		Subscription: latest.subscription,
		Token:        latest.token,
		ExpiresAt:    latest.expiresAt,
	})
	if err == nil {
		err = r.candidate.Publish(ctx, state)
	}

	if err != nil && ctx.Err() == nil {
		r.Log.Error("publishing the state of the webhook subscription failed", "error", err)
	}

	return r.lead(ctx, leadershipTerm)
}
