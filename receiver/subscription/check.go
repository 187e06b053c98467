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

// maxProblems bounds how many problems are told at a time.
const maxProblems = 5

// check is one comparison of what is declared with what Meta has, and its repair. What somebody else set up at Meta is
// never taken away: where it stands against what is declared, a person has to decide.
type check struct {
	*Keeper
	secrets  config.Secrets
	declared config.Subscription
	numbers  []string
	ours     cloudapi.Destination
	proof    [sha256.Size]byte // of the verify token

	token     health.TokenState
	expiresAt time.Time
	problems  []string
	limited   bool          // Meta limits the rate of calls
	asked     time.Duration // what Meta asked to wait
	over      bool          // Meta is away or limits the app: no other call would fare better
}

func newCheck(k *Keeper, settings *config.Snapshot) *check {
	declared := *settings.CloudAPI.Subscription

	return &check{
		Keeper:   k,
		secrets:  settings.Secrets,
		declared: declared,
		numbers:  settings.CloudAPI.PhoneNumberIDs,
		ours:     cloudapi.Destination{URL: declared.CallbackURL, VerifyToken: settings.Secrets.VerifyToken},
		proof:    sha256.Sum256([]byte(settings.Secrets.VerifyToken)),
		token:    health.TokenUnknown,
	}
}

func (c *check) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()

	ids := slices.Concat([]string{c.declared.AppID}, c.declared.BusinessAccountIDs, c.numbers)
	maps.DeleteFunc(c.registered, func(id string, _ [sha256.Size]byte) bool { return !slices.Contains(ids, id) })

	app, info, err := c.inspect(ctx)
	if err != nil {
		c.note(err)
		c.expiresAt = c.last().expiresAt // as far as is known
	} else {
		manages := c.judge(info)
		c.note(c.keepApp(ctx, app))

		if !manages {
			return // each of the calls to come would say so again
		}
	}

	for _, account := range c.declared.BusinessAccountIDs {
		if !c.over {
			c.note(c.keepAccount(ctx, account))
		}
	}

	for _, number := range c.numbers {
		if !c.over {
			c.note(c.keepNumber(ctx, number))
		}
	}
}

// note keeps the failure of a call, if there is one.
func (c *check) note(err error) {
	if err == nil {
		return
	}

	f := failure.Of(err)
	c.Metrics.CallFailed(f)
	c.blame(f.Error())
	c.limited = c.limited || f.Class == failure.RateLimited
	c.asked = max(c.asked, f.RetryAfter)
	c.over = c.over || f.Class == failure.Transient || (f.Class == failure.RateLimited && f.Scope == failure.ScopeApp)
}

// blame keeps what a person has to mend.
func (c *check) blame(problem string) {
	if !slices.Contains(c.problems, problem) {
		c.problems = append(c.problems, problem)
	}
}

// outcome sums up a check that was run.
func (c *check) outcome() outcome {
	o := outcome{
		subscription: health.Subscription{State: health.SubscriptionActive},
		token:        c.token,
		sends:        c.Sends(),
		expiresAt:    c.expiresAt,
	}
	if len(c.problems) == 0 {
		return o
	}

	text := strings.Join(c.problems[:min(len(c.problems), maxProblems)], "; ")
	if len(c.problems) > maxProblems {
		text += "; and more of the kind"
	}

	o.subscription = health.Subscription{State: health.SubscriptionFailed, Problem: text}

	return o
}

// retryAfter is how long to wait after a check with problems, the n-th in a row, n from 0. A limit of calls, which Meta
// counts by the hour, is not hit again soon.
func (c *check) retryAfter(n int) time.Duration {
	wait := failure.Backoff(n, firstRetry, lastRetry, rand.Float64()) //nolint:gosec // spreading retries needs no secrecy
	if c.limited {
		wait = checkEvery
	}

	return max(wait, c.asked)
}
