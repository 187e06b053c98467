// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestLoneFailures counts the failures of an event while others are accepted, during an outage, and while most of them fail.
func TestLoneFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		accepts, fails byte // others, between two failures
		want           int  // after three failures
	}{
		"others are accepted":      {accepts: 1, want: 2},
		"an outage":                {want: 0},
		"as many fail":             {accepts: 2, fails: 2, want: 0},
		"most others are accepted": {accepts: 3, fails: 2, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			var failures loneFailures

			n := 0

			for range 3 {
				n = failures.fail(store.ID{1})

				for other := range tc.fails {
					failures.fail(store.ID{3, other})
				}

				for other := range tc.accepts {
					failures.accept(store.ID{2, other})
				}
			}

			if n != tc.want {
				t.Errorf("failed %d times alone, want %d", n, tc.want)
			}
		})
	}
}

// TestAPeerThatAsksToWaitLosesNothing lets the desk accept others, and answer 429 or Retry-After to one event for a long time.
func TestAPeerThatAsksToWaitLosesNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		failure failure.Error
		want    store.State
	}{
		"429":         {failure.Error{Code: "http_429"}, store.Pending},
		"Retry-After": {failure.Error{Code: "http_503", RetryAfter: time.Second}, store.Pending},
		"500":         {failure.Error{Code: "http_500"}, store.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			var failures loneFailures

			h := head{work: &store.Work{Event: store.Event{ID: store.ID{1}, ReceivedAt: now}}}
			step := store.Step{Now: now.Add(loneFailureAge)}

			for range maxLoneFailures + 1 {
				step.Outcome = &store.Outcome{State: store.Pending, Failure: &store.Failure{}}
				h.expireLone(&failures, &step, &tc.failure)
				failures.accept(store.ID{2})
			}

			if got := step.Outcome.State; got != tc.want {
				t.Errorf("the event is %s, want %s", got, tc.want)
			}
		})
	}
}
