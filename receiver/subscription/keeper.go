// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package subscription keeps at Meta what the configuration declares: the app's webhook subscription, that of each
// WhatsApp Business Account, and the overrides of the callback. It also asks what Meta thinks of the access token. Of
// receivers that share a store one does so, and the others tell what it finds.
package subscription

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
)

const (
	// checkEvery is how soon drift is repaired. Meta allows an app 200 calls an hour about an account.
	checkEvery = 10 * time.Minute
	// checkTimeout bounds one check of all there is.
	checkTimeout = 5 * time.Minute
	// A check that found something to mend is repeated, since ingress and DNS may come later than the receiver.
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// noticeEvery is how soon another configuration or secret is noticed.
	noticeEvery = time.Second
)

// Parts are what a Keeper works with. All are required.
type Parts struct {
	Live    *config.Live
	Graph   *cloudapi.Client
	Metrics *metrics.Metrics
	Duties  Duties
	Holder  string                   // of duties: this receiver, by a name that no other has
	Sends   func() health.TokenState // what sending messages told of the access token
	Clock   clockwork.Clock
	Log     *slog.Logger
}

// Keeper does nothing while no subscription is declared.
type Keeper struct {
	Parts

	// Of Run alone: by the id of app, account or number, a hash of the verify token that Meta was last given; and the
	// checks in a row that found a problem.
	registered map[string][sha256.Size]byte
	failures   int
	held       bool // the duty, when it was last asked for

	mu     sync.Mutex
	latest outcome
}

// outcome is what a check found.
type outcome struct {
	subscription health.Subscription
	token        health.TokenState
	sends        health.TokenState // what Sends said at that time
	expiresAt    time.Time         // of the token; zero: never, or not known
}

// New returns a keeper that Run starts.
func New(parts Parts) *Keeper {
	k := &Keeper{Parts: parts, registered: map[string][sha256.Size]byte{}}
	k.latest = outcome{subscription: health.Subscription{State: initial(parts.Live.Current())}, token: health.TokenUnknown}

	return k
}

// Subscription tells how far the declared subscription is.
func (k *Keeper) Subscription() health.Subscription { return k.last().subscription }

// TokenExpiresAt is zero for a token that does not expire, and while it is not known.
func (k *Keeper) TokenExpiresAt() time.Time { return k.last().expiresAt }

// Token is what Meta last said of the access token, be it asked or when a message was sent.
func (k *Keeper) Token() health.TokenState {
	latest := k.last()

	sends := k.Sends()
	if latest.token == health.TokenUnknown || sends != latest.sends {
		return sends // it changed since the check
	}

	return latest.token
}

func (k *Keeper) last() outcome {
	k.mu.Lock()
	defer k.mu.Unlock()

	return k.latest
}

// Run checks at once, whenever configuration or secrets change, and from time to time, until ctx ends. The callback must
// be served by then: Meta calls it during the check.
func (k *Keeper) Run(ctx context.Context) {
	var settings *config.Snapshot
	for ctx.Err() == nil {
		if now := k.Live.Current(); now != settings {
			settings = now
			k.failures = 0
		}

		k.rest(ctx, settings, k.look(ctx, settings))
	}

	k.giveBack(ctx)
}

// look makes a check if there is something to check, and returns how long to wait for the next.
func (k *Keeper) look(ctx context.Context, settings *config.Snapshot) time.Duration {
	if settings.CloudAPI.Subscription == nil || len(settings.Missing()) > 0 {
		// Without all secrets the receiver is not ready, and nothing would answer Meta's verification.
		k.held = false
		k.tell(outcome{subscription: health.Subscription{State: initial(settings)}, token: health.TokenUnknown})

		return checkEvery
	}

	if !k.hold(ctx, checkTimeout+dutyTerm) {
		return standByEvery
	}

	c := newCheck(k, settings)
	c.run(ctx)

	if ctx.Err() != nil {
		return 0
	}

	k.tell(c.outcome())

	if !k.publish(ctx) {
		return standByEvery
	}

	if len(c.problems) == 0 {
		k.failures = 0
		return checkEvery
	}

	k.failures++

	return c.retryAfter(k.failures - 1)
}

// initial is what can be said before a check.
func initial(settings *config.Snapshot) health.SubscriptionState {
	if settings.CloudAPI.Subscription == nil {
		return health.SubscriptionNotRequested
	}

	return health.SubscriptionPending
}

// tell publishes an outcome, and logs it where it says something new.
func (k *Keeper) tell(found outcome) {
	k.mu.Lock()
	before := k.latest.subscription
	k.latest = found
	k.mu.Unlock()

	if found.subscription == before {
		return
	}

	switch found.subscription.State {
	case health.SubscriptionFailed:
		k.Log.Error("the webhook subscription is not as declared", "problem", found.subscription.Problem)
	case health.SubscriptionActive:
		k.Log.Info("the webhook subscription is as declared")
	}
}

// rest returns after wait, or when settings are not in force any more, or the duty is somebody else's.
func (k *Keeper) rest(ctx context.Context, settings *config.Snapshot, wait time.Duration) {
	now := k.Clock.Now()
	until := now.Add(wait)

	renewal := now.Add(dutyTerm / 3)
	for k.Live.Current() == settings {
		if now := k.Clock.Now(); k.held && !now.Before(renewal) {
			if !k.hold(ctx, dutyTerm) {
				return
			}

			renewal = now.Add(dutyTerm / 3)
		}

		left := k.Clock.Until(until)
		if left <= 0 {
			return
		}

		timer := k.Clock.NewTimer(min(left, noticeEvery))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.Chan():
		}
	}
}
