// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package poller

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

const (
	// tokenWarning is how long before its expiry a token is reported.
	tokenWarning = 7 * 24 * time.Hour
	// maxProblems bounds the problems of a resource. Receivers have about ten operations.
	maxProblems = 16
	// countsFloor and countsFactor say which change of a count is urgent: one to ten times as much, or to a tenth, where
	// fewer than countsFloor count as countsFloor.
	countsFloor  = 100
	countsFactor = 10
)

// Summary combines the reports of the receivers of one resource.
type Summary struct {
	// Complete is set once the receivers have been polled, or if there are none.
	Complete bool
	// Answered is set if any receiver answered.
	Answered bool
	// Starting is why a receiver is still starting, such as a migration of the store. It is empty if none is.
	Starting string
	// MissingSecrets holds the roles that any receiver lacks, sorted.
	MissingSecrets []string
	// TokenRefused is set if any receiver reports it.
	TokenRefused bool
	// TokenExpiresAt is the expiry of the access token, or zero if it is more than a week away, unknown or past.
	TokenExpiresAt time.Time
	// Subscription is the one of which most is known: failed, else active, else pending.
	Subscription health.Subscription
	// Standby holds the phone numbers whose messages go to another responder, sorted.
	Standby []string
	// Problems holds what an administrator has to fix, sorted by operation.
	Problems []Problem
	// Pending is nil if no receiver can read its store.
	Pending *int64
	// DeadLetters is nil if no receiver can read its store.
	DeadLetters *int64
}

// Problem is a problem in the words of a receiver.
type Problem struct {
	Operation string
	Text      string
}

// summarize combines reports. Receivers that share a store report the same counts.
func summarize(reports []health.Report, now time.Time) Summary {
	summary := Summary{Complete: true, Answered: len(reports) > 0}

	missing := map[string]bool{}
	standby := map[string]bool{}
	problems := map[string]string{}

	for _, r := range reports {
		for _, role := range r.MissingSecrets {
			missing[role] = true
		}

		for _, number := range r.Standby {
			standby[number.PhoneNumberID] = true
		}

		for operation, text := range r.Problems {
			// Replicas may word a problem differently, as by the time since when: the choice must not depend on their order.
			if known, ok := problems[operation]; !ok || text < known {
				problems[operation] = text
			}
		}

		if r.Status == health.StatusStarting {
			summary.Starting = strings.Join(r.Warnings, "; ")
		}

		summary.TokenRefused = summary.TokenRefused || r.Token == health.TokenRefused
		summary.TokenExpiresAt = earlierExpiry(summary.TokenExpiresAt, r.TokenExpiresAt, now)

		if precedence(r.Subscription) > precedence(summary.Subscription) {
			summary.Subscription = r.Subscription
		}

		if r.Backlog != nil {
			summary.Pending = new(r.Pending)
			summary.DeadLetters = new(r.DeadLetters)
		}
	}

	summary.MissingSecrets = slices.Sorted(maps.Keys(missing))
	summary.Standby = slices.Sorted(maps.Keys(standby))

	for operation, text := range problems {
		summary.Problems = append(summary.Problems, Problem{Operation: operation, Text: text})
	}

	slices.SortFunc(summary.Problems, compareProblems)
	summary.Problems = summary.Problems[:min(len(summary.Problems), maxProblems)]

	return summary
}

func compareProblems(a, b Problem) int { return cmp.Compare(a.Operation, b.Operation) }

// precedence orders the states of a subscription by how much a person should know of them.
func precedence(s health.Subscription) int {
	return slices.Index([]health.SubscriptionState{
		health.SubscriptionNotRequested,
		health.SubscriptionPending,
		health.SubscriptionActive,
		health.SubscriptionFailed,
	}, s.State)
}

// earlierExpiry returns the earlier expiry within the next tokenWarning, or zero.
func earlierExpiry(known time.Time, reported *time.Time, now time.Time) time.Time {
	if reported == nil || !reported.After(now) || reported.Sub(now) > tokenWarning {
		return known
	}

	if known.IsZero() || reported.Before(known) {
		return reported.UTC().Truncate(time.Second)
	}

	return known
}

// isUrgent reports whether the difference between summaries must be shown at once. A difference of numbers alone can wait.
func isUrgent(before, after Summary) bool {
	if isCountUrgent(before.Pending, after.Pending) || isCountUrgent(before.DeadLetters, after.DeadLetters) ||
		isZero(before.DeadLetters) != isZero(after.DeadLetters) {
		return true
	}

	return !reflect.DeepEqual(withoutNumbers(before), withoutNumbers(after))
}

func isZero(count *int64) bool { return count == nil || *count == 0 }

func isCountUrgent(before, after *int64) bool {
	if before == nil || after == nil {
		return (before == nil) != (after == nil)
	}

	smaller := max(min(*before, *after), countsFloor)
	larger := max(*before, *after)

	return larger/countsFactor >= smaller
}

// withoutNumbers returns the summary without its counts and the digits in its texts, which may count or date.
func withoutNumbers(s Summary) Summary {
	s.Pending = nil
	s.DeadLetters = nil

	problems := slices.Clone(s.Problems)
	for i := range problems {
		problems[i].Text = withoutDigits(problems[i].Text)
	}

	s.Problems = problems
	s.Starting = withoutDigits(s.Starting)

	return s
}

func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}

		return r
	}, text)
}
