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
func (h *harness) theyLead(term time.Duration) bool {
	h.t.Helper()

	held, _, err := h.elections.AcquireLeadership(h.t.Context(), store.JobSubscription, "theirs", h.clock.Now(), h.clock.Now().Add(term))
	if err != nil {
		h.t.Fatal(err)
	}

	return held
}

// theyPublish publishes a state as the other receiver.
func (h *harness) theyPublish(state string) {
	h.t.Helper()

	if err := h.elections.PublishState(h.t.Context(), store.JobSubscription, "theirs", []byte(state)); err != nil {
		h.t.Fatal(err)
	}
}

func TestStandbyAdoptsTheStateOfTheLeader(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, nil)
	if !h.theyLead(time.Hour) {
		t.Fatal("the leadership is free, but was not granted")
	}

	h.start()
	h.checkState(health.SubscriptionPending, "")
	h.theyPublish("of another release")
	h.advance(standbyInterval)
	h.checkState(health.SubscriptionPending, "")
	h.theyPublish(`{"subscription":{"state":"failed","problem":"the callback is down"},"token":"accepted","expiresAt":"2026-12-01T00:00:00Z"}`)
	h.advance(standbyInterval)
	h.checkState(health.SubscriptionFailed, "the callback is down")

	if at := h.reconciler.TokenExpiresAt(); h.reconciler.Token() != health.TokenAccepted || at.Month() != time.December {
		t.Errorf("the token is %s and expires at %s, want the published state", h.reconciler.Token(), at)
	}

	h.sends = health.TokenRefused
	h.advance(standbyInterval)

	if h.reconciler.Token() != health.TokenRefused {
		t.Errorf("the token is %s, want the newer state from sending a message", h.reconciler.Token())
	}

	if asked := len(h.calls(http.MethodGet)) + len(h.calls(http.MethodPost)); asked > 0 {
		t.Errorf("%d calls to Meta from a receiver that does not lead", asked)
	}

	h.theyLead(0)
	h.advance(standbyInterval)
	h.checkState(health.SubscriptionActive, "")

	if h.theyLead(time.Minute) {
		t.Error("another receiver acquired the leadership while it is held")
	}
}

func TestLeadershipIsRenewedAndReleasedAtTheEnd(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, nil)
	h.start()
	h.checkState(health.SubscriptionActive, "")

	for range 10 {
		h.advance(leadershipTerm / 2)

		if h.theyLead(leadershipTerm) {
			t.Fatal("another receiver acquired the leadership of a running one")
		}
	}

	held, state, err := h.elections.AcquireLeadership(t.Context(), store.JobSubscription, "ours", h.clock.Now(), h.clock.Now().Add(leadershipTerm))
	if err != nil || !held || !strings.Contains(string(state), string(health.SubscriptionActive)) {
		t.Errorf("published state %s, held %v, %v", state, held, err)
	}

	h.end()

	if !h.theyLead(leadershipTerm) {
		t.Error("the leadership was not released at the end")
	}
}

// TestLostLeadershipStopsChecks lets another receiver take over from a receiver that stalled for longer than its term.
func TestLostLeadershipStopsChecks(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, nil)
	h.start()
	h.calls("")

	held, _, err := h.elections.AcquireLeadership(t.Context(), store.JobSubscription, "ours", h.clock.Now(), h.clock.Now())
	if err != nil || !held || !h.theyLead(time.Hour) {
		t.Fatalf("the leadership did not change: %v, %v", held, err)
	}

	h.graph.Recorder.Reset()
	h.advance(leadershipTerm)
	h.advance(checkInterval)

	if asked := len(h.calls(http.MethodGet)); asked > 0 {
		t.Errorf("%d calls to Meta from a receiver that lost the leadership", asked)
	}
}
