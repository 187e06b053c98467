// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"context"
	"crypto/sha256"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// maxProblems limits how many problems a result names.
const maxProblems = 5

// check compares the declared subscription with the one at Meta, once, and corrects differences. It never removes a
// setting that others made at Meta: a conflict with the configuration is reported as a problem.
type check struct {
	*Reconciler

	secrets     config.Secrets
	declared    config.Subscription
	numbers     []string
	destination cloudapi.Destination
	tokenHash   [sha256.Size]byte // of the verify token

	token          health.TokenState
	expiresAt      time.Time
	problems       []string
	overwritten    []string // problems that a retry does not fix: others set a callback too
	rateLimited    bool
	retryAfterHint time.Duration // the longest Retry-After in a response
	aborted        bool          // Meta is unavailable, limits the app or is not at the address, so further calls would fail too
}

func newCheck(r *Reconciler, settings *config.Snapshot) *check {
	declared := *settings.CloudAPI.Subscription

	return &check{
		Reconciler: r,
		secrets:    settings.Secrets,
		declared:   declared,
		numbers:    settings.CloudAPI.PhoneNumberIDs,
		destination: cloudapi.Destination{
			URL:         declared.CallbackURL,
			VerifyToken: settings.Secrets.VerifyToken,
		},
		tokenHash: sha256.Sum256([]byte(settings.Secrets.VerifyToken)),
		token:     health.TokenUnknown,
	}
}

func (c *check) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()

	ids := slices.Concat([]string{c.declared.AppID}, c.declared.BusinessAccountIDs, c.numbers)
	maps.DeleteFunc(c.registered, func(id string, _ [sha256.Size]byte) bool { return !slices.Contains(ids, id) })
	maps.DeleteFunc(c.callbacks, func(of callbackOf, _ string) bool { return !slices.Contains(ids, of.id) })

	maps.DeleteFunc(c.refused, func(f fieldOf, _ time.Time) bool {
		return f.app != c.declared.AppID || !slices.Contains(c.declared.Fields, f.field)
	})

	app, info, err := c.inspectToken(ctx)
	if err != nil {
		c.record(err)
		c.expiresAt = c.latestResult().expiresAt // still the best estimate
	} else {
		canManage := c.assessToken(info)
		c.record(c.reconcileApp(ctx, app))

		if !canManage {
			return // every further call would fail for the same reason
		}
	}

	for _, account := range c.declared.BusinessAccountIDs {
		if !c.aborted {
			c.record(c.reconcileAccount(ctx, account))
		}
	}

	for _, number := range c.numbers {
		if !c.aborted {
			c.record(c.reconcileNumber(ctx, number))
		}
	}
}

// record adds the failure of a call to the problems. It does nothing if err is nil.
func (c *check) record(err error) {
	if err == nil {
		return
	}

	f := failure.Of(err)
	limited := f.Class == failure.RateLimited
	appLimited := limited && f.Scope == failure.ScopeApp

	c.Metrics.CallFailed(f)
	c.addProblem(f.Error())

	c.rateLimited = c.rateLimited || limited
	c.retryAfterHint = max(c.retryAfterHint, f.RetryAfter)
	c.aborted = c.aborted || f.Class == failure.Transient || appLimited || f.Code == cloudapi.CodeNotGraph
}

// addProblem adds a problem, once, that a person has to solve.
func (c *check) addProblem(problem string) {
	if !slices.Contains(c.problems, problem) {
		c.problems = append(c.problems, problem)
	}
}

// result returns the result of a finished check.
func (c *check) result() result {
	r := result{
		subscription: health.Subscription{State: health.SubscriptionActive},
		token:        c.token,
		sendsToken:   c.Sends(),
		expiresAt:    c.expiresAt,
	}

	problems := slices.Concat(c.problems, c.overwritten)
	if len(problems) == 0 {
		return r
	}

	text := strings.Join(problems[:min(len(problems), maxProblems)], "; ")
	if len(problems) > maxProblems {
		text += "; and further problems"
	}

	r.subscription = health.Subscription{State: health.SubscriptionFailed, Problem: text}

	return r
}

// retryDelay returns the delay after the n-th consecutive check with problems, n from 0. Meta counts rate limits by the
// hour, so a limited check is not repeated early.
func (c *check) retryDelay(n int) time.Duration {
	delay := failure.Backoff(n, firstRetryDelay, lastRetryDelay, rand.Float64()) //nolint:gosec // jitter needs no secure randomness
	if c.rateLimited {
		delay = checkInterval
	}

	return max(delay, c.retryAfterHint)
}
