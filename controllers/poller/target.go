// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package poller

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

const (
	// countsInterval is the interval between summaries that differ in counts only. Each summary is a write to the API server,
	// and the counts of a busy receiver differ at every poll.
	countsInterval = 6 * time.Minute
	// problemTTL is how long a problem stays after its last report. A receiver clears a problem when a call succeeds, so a
	// problem that concerns only some calls would flap.
	problemTTL = 2 * time.Minute
)

// target is one resource. A change of its addresses replaces it, so that the result of an older poll is recognized.
type target struct {
	addresses []string
	answers   map[string]answer // by address
	problems  map[string]heldProblem
	summary   Summary
	since     time.Time // of the summary
	due       time.Time
	polling   bool
}

// answer is the last report of a receiver.
type answer struct {
	health.Report
	lost bool // the receiver did not answer the last poll
}

// heldProblem is a problem as last reported.
type heldProblem struct {
	text     string
	reported time.Time
}

// newTarget returns the target of new addresses. It keeps the reports of the previous target that are still valid; previous may
// be nil.
func newTarget(addresses []string, previous *target, now time.Time) *target {
	t := &target{
		addresses: addresses,
		answers:   map[string]answer{},
		problems:  map[string]heldProblem{},
		summary:   Summary{Complete: len(addresses) == 0},
		// At a restart all resources get their first summary at the same time. Their later ones must not coincide.
		since: now.Add(-rand.N(countsInterval)), //nolint:gosec // no secret depends on it
	}
	if previous == nil || len(addresses) == 0 {
		return t
	}

	for _, address := range addresses {
		if last, ok := previous.answers[address]; ok {
			t.answers[address] = last
		}
	}

	t.problems = previous.problems
	t.summary = previous.summary
	t.since = previous.since

	return t
}

// update records the reports of a poll, by address, and reports whether they make a new summary.
func (t *target) update(reports map[string]health.Report, now time.Time) bool {
	lost := t.record(reports)
	t.due = now.Add(nextPoll(lost))

	next := t.summarize(now)

	first := !t.summary.Complete
	if !first && !isUrgent(t.summary, next) && (now.Sub(t.since) < countsInterval || reflect.DeepEqual(t.summary, next)) {
		return false
	}

	t.summary = next

	if !first {
		t.since = now
	}

	return true
}

// record keeps the reports, and reports whether a receiver has just stopped answering. A single poll without an answer
// changes nothing: the receiver is polled again soon.
func (t *target) record(reports map[string]health.Report) (lost bool) {
	for _, address := range t.addresses {
		last, known := t.answers[address]

		report, ok := reports[address]
		switch {
		case ok:
			t.answers[address] = answer{Report: report}
		case known && !last.lost:
			last.lost = true
			t.answers[address] = last
			lost = true
		default:
			delete(t.answers, address)
		}
	}

	return lost
}

// summarize combines the reports, and the problems that were reported lately.
func (t *target) summarize(now time.Time) Summary {
	var reports []health.Report
	for _, address := range t.addresses {
		if last, ok := t.answers[address]; ok {
			reports = append(reports, last.Report)
		}
	}

	summary := summarize(reports, now)

	// A receiver that has just started has not called Meta yet, so its report is not a change.
	if summary.Subscription.State == health.SubscriptionPending && t.summary.Subscription.State != "" {
		summary.Subscription = t.summary.Subscription
	}

	for _, problem := range summary.Problems {
		t.problems[problem.Operation] = heldProblem{text: problem.Text, reported: now}
	}

	summary.Problems = nil

	for operation, problem := range t.problems {
		if now.Sub(problem.reported) >= problemTTL || !summary.Answered {
			delete(t.problems, operation)
			continue
		}

		summary.Problems = append(summary.Problems, Problem{Operation: operation, Text: problem.text})
	}

	slices.SortFunc(summary.Problems, compareProblems)
	summary.Problems = summary.Problems[:min(len(summary.Problems), maxProblems)]

	return summary
}

// nextPoll returns the time until the next poll. It varies, or all resources would be polled at the same moment after a
// restart.
func nextPoll(lost bool) time.Duration {
	if lost {
		return scanInterval
	}

	return Interval - rand.N(Interval/5) //nolint:gosec // no secret depends on it
}
