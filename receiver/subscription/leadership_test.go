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

// theirDuty is another receiver that takes the duty for a term, or prolongs it.
func (w *world) theirDuty(term time.Duration) bool {
	w.t.Helper()

	held, _, err := w.duties.AcquireLeadership(w.t.Context(), store.JobSubscription, "theirs", w.clock.Now(), w.clock.Now().Add(term))
	if err != nil {
		w.t.Fatal(err)
	}

	return held
}

func (w *world) theirNote(note string) {
	w.t.Helper()

	if err := w.duties.PublishState(w.t.Context(), store.JobSubscription, "theirs", []byte(note)); err != nil {
		w.t.Fatal(err)
	}
}

func TestStandsByWhileAnotherKeepsIt(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, nil)
	if !w.theirDuty(time.Hour) {
		t.Fatal("nobody had the duty, and it was not given")
	}

	w.start()
	w.state(health.SubscriptionPending, "")
	w.theirNote("of another release")
	w.pass(standbyEvery)
	w.state(health.SubscriptionPending, "")
	w.theirNote(`{"subscription":{"state":"failed","problem":"the callback is down"},"token":"accepted","expiresAt":"2026-12-01T00:00:00Z"}`)
	w.pass(standbyEvery)
	w.state(health.SubscriptionFailed, "the callback is down")

	if at := w.keeper.TokenExpiresAt(); w.keeper.Token() != health.TokenAccepted || at.Month() != time.December {
		t.Errorf("the token is %s and expires at %s, want what was noted", w.keeper.Token(), at)
	}

	w.sends = health.TokenRefused
	w.pass(standbyEvery)

	if w.keeper.Token() != health.TokenRefused {
		t.Errorf("the token is %s, want what Meta said since when a message was sent", w.keeper.Token())
	}

	if asked := len(w.calls(http.MethodGet)) + len(w.calls(http.MethodPost)); asked > 0 {
		t.Errorf("Meta was asked %d times by one that stands by", asked)
	}

	w.theirDuty(0)
	w.pass(standbyEvery)
	w.state(health.SubscriptionActive, "")

	if w.theirDuty(time.Minute) {
		t.Error("the duty was given to another while it is held")
	}
}

func TestDutyIsHeldWhileRestingAndGivenBackAtTheEnd(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, nil)
	w.start()
	w.state(health.SubscriptionActive, "")

	for range 10 {
		w.pass(leadershipTerm / 2)

		if w.theirDuty(leadershipTerm) {
			t.Fatal("another took the duty of one that is alive")
		}
	}

	held, note, err := w.duties.AcquireLeadership(t.Context(), store.JobSubscription, "ours", w.clock.Now(), w.clock.Now().Add(leadershipTerm))
	if err != nil || !held || !strings.Contains(string(note), string(health.SubscriptionActive)) {
		t.Errorf("it noted %s, held %v, %v", note, held, err)
	}

	w.end()

	if !w.theirDuty(leadershipTerm) {
		t.Error("one that ended still has the duty")
	}
}

// One that was stalled for longer than its term finds another in its place.
func TestDutyThatWasLostIsNotDone(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, nil)
	w.start()
	w.calls("")

	held, _, err := w.duties.AcquireLeadership(t.Context(), store.JobSubscription, "ours", w.clock.Now(), w.clock.Now())
	if err != nil || !held || !w.theirDuty(time.Hour) {
		t.Fatalf("the duty was not given over: %v, %v", held, err)
	}

	w.graph.Recorder.Reset()
	w.pass(leadershipTerm)
	w.pass(checkEvery)

	if asked := len(w.calls(http.MethodGet)); asked > 0 {
		t.Errorf("Meta was asked %d times by one that lost the duty", asked)
	}
}
