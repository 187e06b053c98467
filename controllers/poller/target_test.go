// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package poller

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// TestProblemLasts uses a problem of some calls only, which the receiver drops and reports again.
func TestProblemLasts(t *testing.T) {
	addresses := []string{"10.0.0.1"}
	target := newTarget(addresses, nil, now)
	refused := health.Report{Problems: map[string]string{"send message": "Meta refuses the template"}}

	changes := 0

	at := now
	for poll := range 20 {
		report := health.Report{}
		if poll%3 == 0 {
			report = refused
		}

		if target.update(map[string]health.Report{addresses[0]: report}, at) {
			changes++
		}

		at = at.Add(Interval)
	}

	if want := []Problem{{"send message", "Meta refuses the template"}}; changes != 1 || !cmp.Equal(want, target.summary.Problems) {
		t.Errorf("%d changes and problems %v; want 1 and %v", changes, target.summary.Problems, want)
	}

	at = at.Add(problemTTL)
	if !target.update(map[string]health.Report{addresses[0]: {}}, at) || target.summary.Problems != nil {
		t.Errorf("%s after its last report the problem is still there: %v", problemTTL, target.summary.Problems)
	}
}

// TestRestartKeepsTheSubscription uses a receiver that restarts, and then finds that its spec has no subscription any more.
func TestRestartKeepsTheSubscription(t *testing.T) {
	target := newTarget([]string{"10.0.0.1"}, nil, now)

	for _, step := range []struct{ reported, want health.SubscriptionState }{
		{health.SubscriptionPending, health.SubscriptionPending},
		{health.SubscriptionActive, health.SubscriptionActive},
		{health.SubscriptionPending, health.SubscriptionActive},
		{health.SubscriptionFailed, health.SubscriptionFailed},
		{health.SubscriptionNotRequested, health.SubscriptionNotRequested},
	} {
		target.update(map[string]health.Report{"10.0.0.1": {Subscription: health.Subscription{State: step.reported}}}, now)

		if got := target.summary.Subscription.State; got != step.want {
			t.Errorf("reported %s: the summary has %s, want %s", step.reported, got, step.want)
		}
	}
}

// TestLostAnswerOfAReplica checks that the summary does not change when a replica misses a poll.
func TestLostAnswerOfAReplica(t *testing.T) {
	addresses := []string{"10.0.0.1", "10.0.0.2"}
	waiting := health.Report{MissingSecrets: []string{"access-token"}}
	target := newTarget(addresses, nil, now)

	if !target.update(map[string]health.Report{"10.0.0.1": {}, "10.0.0.2": waiting}, now) {
		t.Fatal("the first poll makes no summary")
	}

	if target.update(map[string]health.Report{"10.0.0.1": {}}, now) {
		t.Error("one lost answer of a replica changes the summary")
	}

	if target.due != now.Add(scanInterval) {
		t.Errorf("the next poll is in %s, want %s", target.due.Sub(now), scanInterval)
	}

	if !target.update(map[string]health.Report{"10.0.0.1": {}}, now) || target.summary.MissingSecrets != nil {
		t.Error("the second lost answer changes nothing")
	}
}

// TestBusyResourcesCauseFewWrites polls 1,000 resources for an hour. Their counts differ at every poll.
func TestBusyResourcesCauseFewWrites(t *testing.T) {
	const resources = 1000

	clock := clockwork.NewFakeClock()
	receivers := newPods()
	writes := 0
	p := NewPoller(9090, receivers, clock, func(types.NamespacedName) { writes++ })

	for i := range resources {
		p.Track(types.NamespacedName{Name: fmt.Sprint(i)}, []string{fmt.Sprintf("10.0.%d.%d", i/256, i%256)})
	}

	polls := 0
	run := func(d time.Duration) (most int) {
		for end := clock.Now().Add(d); clock.Now().Before(end); {
			before := writes

			for range 60 {
				for resource, target := range p.takeDue() {
					report := health.Report{Backlog: &health.Backlog{Pending: rand.N[int64](50), DeadLetters: 1 + rand.N[int64](9)}}
					p.record(t.Context(), resource, target, map[string]health.Report{target.addresses[0]: report})

					polls++
				}

				clock.Advance(time.Second)
			}

			most = max(most, writes-before)
		}

		return most
	}

	run(time.Minute)

	if writes < resources {
		t.Errorf("%d resources have a summary, want all %d", writes, resources)
	}

	writes = 0
	most := run(time.Hour)
	perSecond := float64(writes) / time.Hour.Seconds()
	t.Logf("%d polls, %.2f writes/s, at most %.2f in a minute", polls, perSecond, float64(most)/60)

	if perSecond > 3 || most > 5*60 {
		t.Errorf("%.2f writes/s and %d in one minute, want at most 3 and %d", perSecond, most, 5*60)
	}
}
