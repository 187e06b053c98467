// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package poller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestSummarize(t *testing.T) {
	first := health.Report{
		Token:          health.TokenAccepted,
		TokenExpiresAt: new(now.Add(48 * time.Hour)),
		MissingSecrets: []string{"verify-token", "app-secret"},
		Problems:       map[string]string{"store": "the store cannot be read", "bird": "unavailable, since 12:00"},
		Backlog:        &health.Backlog{Pending: 3, DeadLetters: 1},
		Subscription:   health.Subscription{State: health.SubscriptionActive},
	}
	second := health.Report{
		Token:          health.TokenRefused,
		TokenExpiresAt: new(now.Add(24 * time.Hour)),
		MissingSecrets: []string{"app-secret"},
		Problems:       map[string]string{"bird": "unavailable, since 11:59"},
		Backlog:        &health.Backlog{Pending: 3, DeadLetters: 1},
		Standby:        []health.Standby{{PhoneNumberID: "43"}, {PhoneNumberID: "42"}},
		Subscription:   health.Subscription{State: health.SubscriptionPending},
	}
	failed := health.Report{Subscription: health.Subscription{State: health.SubscriptionFailed, Problem: "why"}}
	later := health.Report{TokenExpiresAt: new(now.Add(60 * 24 * time.Hour))}
	past := health.Report{TokenExpiresAt: new(now.Add(-time.Hour))}

	both := Summary{
		Complete:       true,
		Answered:       true,
		MissingSecrets: []string{"app-secret", "verify-token"},
		TokenRefused:   true,
		TokenExpiresAt: now.Add(24 * time.Hour),
		Subscription:   health.Subscription{State: health.SubscriptionActive},
		Standby:        []string{"42", "43"},
		Problems:       []Problem{{"bird", "unavailable, since 11:59"}, {"store", "the store cannot be read"}},
		Pending:        new(int64(3)),
		DeadLetters:    new(int64(1)),
	}

	for name, test := range map[string]struct {
		reports []health.Report
		want    Summary
	}{
		"none":                          {nil, Summary{Complete: true}},
		"two":                           {[]health.Report{first, second}, both},
		"the order makes no difference": {[]health.Report{second, first}, both},
		"failed subscription": {[]health.Report{failed, {Subscription: health.Subscription{State: health.SubscriptionActive}}}, Summary{
			Complete:     true,
			Answered:     true,
			Subscription: failed.Subscription,
		}},
		"starting": {[]health.Report{{Status: health.StatusStarting, Warnings: []string{"opening the store"}}}, Summary{
			Complete: true,
			Answered: true,
			Starting: "opening the store",
		}},
		"expiry in two months": {[]health.Report{later}, Summary{Complete: true, Answered: true}},
		"expiry in the past":   {[]health.Report{past}, Summary{Complete: true, Answered: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, summarize(test.reports, now)); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblemsAreBounded(t *testing.T) {
	problems := map[string]string{}
	for i := range 2 * maxProblems {
		problems[fmt.Sprintf("operation %02d", i)] = "why"
	}

	if got := summarize([]health.Report{{Problems: problems}}, now).Problems; len(got) != maxProblems || got[0].Operation != "operation 00" {
		t.Errorf("%d problems from %q on, want the first %d", len(got), got[0].Operation, maxProblems)
	}
}

func TestIsUrgent(t *testing.T) {
	counts := func(pending, deadLetters int64) Summary {
		return Summary{Answered: true, Pending: &pending, DeadLetters: &deadLetters}
	}
	problem := func(texts ...string) Summary {
		s := Summary{Answered: true}
		for _, text := range texts {
			s.Problems = append(s.Problems, Problem{Operation: "store", Text: text})
		}

		return s
	}

	for name, test := range map[string]struct {
		before, after Summary
		want          bool
	}{
		"nothing":                     {counts(5, 0), counts(5, 0), false},
		"a few more":                  {counts(0, 0), counts(99, 0), false},
		"a few fewer":                 {counts(99, 0), counts(0, 0), false},
		"a backlog":                   {counts(3, 0), counts(1000, 0), true},
		"a backlog of nine times":     {counts(200, 0), counts(1800, 0), false},
		"a backlog that is processed": {counts(1000, 0), counts(0, 0), true},
		"the first dead letter":       {counts(5, 0), counts(5, 1), true},
		"another dead letter":         {counts(5, 1), counts(5, 2), false},
		"many dead letters":           {counts(5, 1), counts(5, 1000), true},
		"no more dead letters":        {counts(5, 2), counts(5, 0), true},
		"the store cannot be read":    {counts(5, 0), Summary{Answered: true}, true},
		"no answer":                   {Summary{Answered: true}, Summary{}, true},
		"a problem":                   {problem(), problem("the disk is full"), true},
		"another problem":             {problem("the disk is full"), problem("the file is damaged"), true},
		"other numbers in a problem":  {problem("3 MiB are free"), problem("21 MiB are free"), false},
		"a problem less":              {problem("3 MiB are free"), problem(), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isUrgent(test.before, test.after); got != test.want {
				t.Errorf("urgent: %t, want %t", got, test.want)
			}
		})
	}
}

func TestStatesOfSubscriptionsAreOrdered(t *testing.T) {
	states := []health.SubscriptionState{
		"", health.SubscriptionNotRequested, health.SubscriptionPending, health.SubscriptionActive, health.SubscriptionFailed,
	}
	if !slices.IsSortedFunc(states, func(a, b health.SubscriptionState) int {
		return precedence(health.Subscription{State: a}) - precedence(health.Subscription{State: b})
	}) {
		t.Error("the order of the states is not that of what a person should know")
	}
}
