// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// theyLead lets another receiver acquire or renew the leadership for a term, and reports whether it leads.
func (w *world) theyLead(term time.Duration) bool {
	w.t.Helper()

	held, _, err := w.duties.AcquireLeadership(w.t.Context(), store.JobSubscription, "theirs", w.clock.Now(), w.clock.Now().Add(term))
	if err != nil {
		w.t.Fatal(err)
	}

	return held
}

// theyPublish publishes a state as the other receiver.
func (w *world) theyPublish(state string) {
	w.t.Helper()

	if err := w.duties.PublishState(w.t.Context(), store.JobSubscription, "theirs", []byte(state)); err != nil {
		w.t.Fatal(err)
	}
}

func TestStandbyAdoptsTheStateOfTheLeader(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, nil)
	if !w.theyLead(time.Hour) {
		t.Fatal("the leadership is free, and was not granted")
	}

	w.start()
	w.state(health.SubscriptionPending, "")
	w.theyPublish("of another release")
	w.pass(standbyEvery)
	w.state(health.SubscriptionPending, "")
	w.theyPublish(`{"subscription":{"state":"failed","problem":"the callback is down"},"token":"accepted","expiresAt":"2026-12-01T00:00:00Z"}`)
	w.pass(standbyEvery)
	w.state(health.SubscriptionFailed, "the callback is down")

	if at := w.keeper.TokenExpiresAt(); w.keeper.Token() != health.TokenAccepted || at.Month() != time.December {
		t.Errorf("the token is %s and expires at %s, want the published state", w.keeper.Token(), at)
	}

	w.sends = health.TokenRefused
	w.pass(standbyEvery)

	if w.keeper.Token() != health.TokenRefused {
		t.Errorf("the token is %s, want the newer state from sending a message", w.keeper.Token())
	}

	if asked := len(w.calls(http.MethodGet)) + len(w.calls(http.MethodPost)); asked > 0 {
		t.Errorf("%d calls to Meta from a receiver that does not lead", asked)
	}

	w.theyLead(0)
	w.pass(standbyEvery)
	w.state(health.SubscriptionActive, "")

	if w.theyLead(time.Minute) {
		t.Error("another receiver acquired the leadership while it is held")
	}
}

func TestLeadershipIsRenewedAndReleasedAtTheEnd(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, nil)
	w.start()
	w.state(health.SubscriptionActive, "")

	for range 10 {
		w.pass(leadershipTerm / 2)

		if w.theyLead(leadershipTerm) {
			t.Fatal("another receiver acquired the leadership of a running one")
		}
	}

	held, state, err := w.duties.AcquireLeadership(t.Context(), store.JobSubscription, "ours", w.clock.Now(), w.clock.Now().Add(leadershipTerm))
	if err != nil || !held || !strings.Contains(string(state), string(health.SubscriptionActive)) {
		t.Errorf("published state %s, held %v, %v", state, held, err)
	}

	w.end()

	if !w.theyLead(leadershipTerm) {
		t.Error("the leadership was not released at the end")
	}
}

// TestLostLeadershipStopsChecks lets another receiver take over from one that stalled for longer than its term.
func TestLostLeadershipStopsChecks(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, nil)
	w.start()
	w.calls("")

	held, _, err := w.duties.AcquireLeadership(t.Context(), store.JobSubscription, "ours", w.clock.Now(), w.clock.Now())
	if err != nil || !held || !w.theyLead(time.Hour) {
		t.Fatalf("the leadership did not change: %v, %v", held, err)
	}

	w.graph.Recorder.Reset()
	w.pass(leadershipTerm)
	w.pass(checkEvery)

	if asked := len(w.calls(http.MethodGet)); asked > 0 {
		t.Errorf("%d calls to Meta from a receiver that lost the leadership", asked)
	}
}
