// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package subscription maintains at Meta the webhook subscriptions that the configuration declares: of the app and of each
// WhatsApp Business Account, with overrides of the callback URL. It also checks the access token. One of the receivers
// that share a store leads and does this work; the others report the state that the leader publishes.
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
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/election"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// checkInterval is how often drift is corrected. Meta allows an app 200 calls an hour per business account.
	checkInterval = 10 * time.Minute
	// checkTimeout limits one check.
	checkTimeout = 5 * time.Minute
	// firstRetryDelay and lastRetryDelay limit the backoff after a check with problems. The first retry is soon, because
	// ingress and DNS may become ready later than the receiver.
	firstRetryDelay = 5 * time.Second
	lastRetryDelay  = 5 * time.Minute
	// pollInterval is how soon changed configuration or secrets take effect.
	pollInterval = time.Second
)

// Dependencies are the dependencies of a Reconciler. All are required.
type Dependencies struct {
	Live      *config.Live
	Graph     *cloudapi.Client
	Metrics   *metrics.Metrics
	Elections election.Store
	Holder    string                   // the unique name of this receiver
	Sends     func() health.TokenState // the token state that sending messages reports
	Clock     clockwork.Clock
	Log       *slog.Logger
}

// Reconciler corrects the subscription at Meta while it is the leader. It does nothing if the configuration declares none.
type Reconciler struct {
	Dependencies

	// The following fields belong to the goroutine of Run.

	candidate  *election.Candidate
	registered map[string][sha256.Size]byte // by ID at Meta: the hash of the verify token that Meta was last given
	callbacks  map[callbackOf]string        // the callback URLs of this receiver that Meta last had
	refused    map[fieldOf]time.Time        // the declared fields that Meta refused, and when
	failures   int                          // consecutive checks with problems

	mu     sync.Mutex
	latest result
}

// result is the outcome of a check.
type result struct {
	subscription health.Subscription
	token        health.TokenState
	sendsToken   health.TokenState // what Sends returned at the time of the check
	expiresAt    time.Time         // of the token; zero if it does not expire or the time is unknown
}

// New returns a Reconciler. Run starts it.
func New(dependencies Dependencies) *Reconciler {
	return &Reconciler{
		Dependencies: dependencies,
		candidate:    election.NewCandidate(dependencies.Elections, store.JobSubscription, dependencies.Holder, dependencies.Clock),
		registered:   map[string][sha256.Size]byte{},
		callbacks:    map[callbackOf]string{},
		refused:      map[fieldOf]time.Time{},
		latest:       uncheckedResult(dependencies.Live.Current()),
	}
}

// Subscription returns the state of the declared subscription.
func (r *Reconciler) Subscription() health.Subscription { return r.latestResult().subscription }

// TokenExpiresAt returns when the access token expires. It is zero if the token does not expire or the time is unknown.
func (r *Reconciler) TokenExpiresAt() time.Time { return r.latestResult().expiresAt }

// Token returns the state of the access token that Meta last reported, in a check or when a message was sent.
func (r *Reconciler) Token() health.TokenState {
	latest := r.latestResult()

	sends := r.Sends()
	if latest.token == health.TokenUnknown || sends != latest.sendsToken {
		return sends // it changed since the check
	}

	return latest.token
}

func (r *Reconciler) latestResult() result {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.latest
}

// Run checks at once, after each change of configuration or secrets, and regularly, until ctx ends. The webhook must be
// served before Run is called, because Meta verifies the callback URL during a check.
func (r *Reconciler) Run(ctx context.Context) {
	var settings *config.Snapshot
	for ctx.Err() == nil {
		if current := r.Live.Current(); current != settings {
			settings = current
			r.failures = 0
		}

		delay := r.reconcile(ctx, settings)
		r.wait(ctx, settings, delay)
	}

	if err := r.candidate.Release(ctx); err != nil {
		r.Log.Error("releasing the leadership of the webhook subscription failed", "error", err)
	}
}

// reconcile runs a check if there is something to check, and returns the delay before the next one.
func (r *Reconciler) reconcile(ctx context.Context, settings *config.Snapshot) time.Duration {
	if settings.CloudAPI.Subscription == nil || len(settings.Missing()) > 0 {
		// While a secret is missing, the receiver could not answer Meta's verification, or the people who write.
		r.candidate.Lapse()
		r.setResult(uncheckedResult(settings))

		return checkInterval
	}

	if !r.lead(ctx, checkTimeout+leadershipTerm) {
		return standbyInterval
	}

	c := newCheck(r, settings)
	c.run(ctx)

	if ctx.Err() != nil {
		return 0
	}

	r.setResult(c.result())

	if !r.publish(ctx) {
		return standbyInterval
	}

	if len(c.problems) == 0 {
		r.failures = 0
		return checkInterval
	}

	r.failures++

	return c.retryDelay(r.failures - 1)
}

// uncheckedResult returns the result before the first check.
func uncheckedResult(settings *config.Snapshot) result {
	state := health.SubscriptionPending
	if settings.CloudAPI.Subscription == nil {
		state = health.SubscriptionNotRequested
	}

	return result{
		subscription: health.Subscription{State: state},
		token:        health.TokenUnknown,
	}
}

// setResult stores a result, and logs it if the state of the subscription changed.
func (r *Reconciler) setResult(latest result) {
	r.mu.Lock()
	before := r.latest.subscription
	r.latest = latest
	r.mu.Unlock()

	if latest.subscription == before {
		return
	}

	switch latest.subscription.State {
	case health.SubscriptionFailed:
		r.Log.Error("webhook subscription differs from the configuration", "problem", latest.subscription.Problem)
	case health.SubscriptionActive:
		r.Log.Info("webhook subscription matches the configuration")
	}
}

// wait returns after the delay, when the settings change, or when another receiver has become the leader. It renews the
// leadership meanwhile.
func (r *Reconciler) wait(ctx context.Context, settings *config.Snapshot, delay time.Duration) {
	start := r.Clock.Now()
	end := start.Add(delay)
	renewal := start.Add(renewInterval)

	for r.Live.Current() == settings {
		if now := r.Clock.Now(); r.candidate.Leading() && !now.Before(renewal) {
			if !r.lead(ctx, leadershipTerm) {
				return
			}

			renewal = now.Add(renewInterval)
		}

		remaining := r.Clock.Until(end)
		if remaining <= 0 {
			return
		}

		timer := r.Clock.NewTimer(min(remaining, pollInterval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.Chan():
		}
	}
}
