// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// claimWaiting claims the lanes of conversations that wait for a scope.
func (f *fixture) claimWaiting(scope string, now time.Time, limit int) []store.Lease {
	f.Helper()

	leases, err := f.ClaimWaiting(f.Context(), store.Conversations, scope, now.Add(leaseTime), limit)
	if err != nil {
		f.Fatalf("ClaimWaiting: %v", err)
	}

	return leases
}

func (f *fixture) schedule() [3]store.Schedule {
	f.Helper()

	schedule, _, err := f.Schedule(f.Context(), at(0))
	if err != nil {
		f.Fatalf("Schedule: %v", err)
	}

	return schedule
}

func (f *fixture) repairClock(now time.Time) {
	f.Helper()

	if err := f.RepairClock(f.Context(), now); err != nil {
		f.Fatalf("RepairClock: %v", err)
	}
}

// waitFor returns a step that makes an event wait for a scope.
func waitFor(scope string, now, retryAt time.Time) store.Step {
	step := postpone(now, retryAt, false)
	step.Outcome.WaitsFor = scope

	return step
}

// wait stores a message in a lane of its name and makes it wait for a scope.
func (f *fixture) wait(name, scope string, retryAt time.Time) {
	f.Helper()
	f.ingest(text(name, "lane "+name))
	f.advance(f.claimOne(at(0)), waitFor(scope, at(0), retryAt))
}

var waitingTests = map[string]func(*fixture){
	"is claimed for its scope before it is due, the earliest first": func(f *fixture) {
		f.wait("late", "bird", at(2*time.Hour))
		f.wait("early", "bird", at(time.Hour))
		f.wait("other", "app", at(2*time.Second))
		f.wait("none", "", at(time.Second))

		all := []string{"late", "early", "other", "none"}

		f.wantEqual("none", f.claimWaiting("bird", at(0), 0), []store.Lease(nil))
		f.wantEqual("unknown scope", f.claimWaiting("number:1", at(0), 10), []store.Lease(nil))
		f.wantEqual("first", names(f.claimWaiting("bird", at(0), 1), all...), []string{"early"})
		f.wantEqual("rest", names(f.claimWaiting("bird", at(0), 10), all...), []string{"late"})
		f.wantEqual("claimed again", f.claimWaiting("bird", at(0), 10), []store.Lease(nil))
		f.wantEqual("by time", names(f.claim(at(2*time.Second), 10), all...), []string{"none", "other"})
	},

	"is claimed when it is due": func(f *fixture) {
		f.wait("a", "bird", at(time.Hour))
		f.wantEqual("early", f.claim(at(time.Hour-time.Millisecond), 10), []store.Lease(nil))

		lease := f.claimOne(at(time.Hour))
		f.wantEqual("starts", lease.Work.Starts, 1)
		f.wantErr("Release", f.Release(f.Context(), lease.LeaseRef, at(time.Hour)), nil)
		f.wantEqual("a claim ends the wait", f.claimWaiting("bird", at(time.Hour), 10), []store.Lease(nil))
	},

	"ends when a status confirms the send": func(f *fixture) {
		lease := sending(f)
		f.advance(lease, waitFor("app", at(0), at(time.Hour)))
		f.ingest(proof(lease.Work.Event.ID, 0, "wamid.1", "sent", at(time.Second)))
		f.wantEqual("waiting", f.claimWaiting("app", at(time.Second), 10), []store.Lease(nil))
		f.claimOne(at(time.Second))
	},

	"does not end when an event arrives": func(f *fixture) {
		f.wait("a", "bird", at(time.Hour))
		f.ingest(received(text("b", "lane a"), at(time.Second)))
		f.wantEqual("by time", f.claim(at(time.Minute), 10), []store.Lease(nil))
		f.wantEqual("by scope", names(f.claimWaiting("bird", at(time.Minute), 10), "a", "b"), []string{"a"})
	},

	"is scheduled": func(f *fixture) {
		f.wantEqual("empty", f.schedule(), [3]store.Schedule{})
		f.wait("a", "number:1", at(time.Hour))
		f.wait("b", "bird", at(2*time.Hour))
		f.wait("c", "bird", at(3*time.Hour))
		f.ingest(inClass(store.Statuses, received(text("status", "lane"), at(time.Minute))), inClass(store.Notices, text("notice", "sink")))
		f.advance(f.claimOneOf(store.Notices, at(0)), waitFor("sink", at(0), at(time.Second)))
		f.wantEqual("schedule", f.schedule(), [3]store.Schedule{
			store.Conversations: {NextDue: at(time.Hour), Scopes: []string{"bird", "number:1"}},
			store.Statuses:      {NextDue: at(time.Minute)},
			store.Notices:       {NextDue: at(time.Second), Scopes: []string{"sink"}},
		})

		for _, scope := range []string{"bird", "number:1"} {
			for _, lease := range f.claimWaiting(scope, at(0), 10) {
				f.advance(lease, end(store.Done, at(0)))
			}
		}

		f.wantEqual("after the work", f.schedule()[store.Conversations], store.Schedule{})
	},

	"is scheduled for a limited number of scopes": func(f *fixture) {
		var want []string
		for i := range store.MaxWaitingScopes + 5 {
			scope := fmt.Sprintf("pair:%03d", i)
			f.wait(scope, scope, at(time.Hour))
			want = append(want, scope)
		}

		f.wantEqual("scopes", f.schedule()[store.Conversations].Scopes, want[:store.MaxWaitingScopes])
	},

	"ends when it was set by a clock that was ahead": func(f *fixture) {
		ahead := at(24 * time.Hour)
		f.wait("now", "bird", at(time.Hour))
		f.ingest(text("waiting", "lane waiting"))
		f.advance(f.claimOne(at(0)), waitFor("bird", ahead, ahead.Add(time.Hour)))
		f.ingest(received(text("received", "lane received"), ahead))

		all := []string{"now", "waiting", "received"}

		f.wantEqual("before", f.claim(at(time.Second), 10), []store.Lease(nil))
		f.repairClock(at(time.Second))
		f.wantEqual("due", len(names(f.claim(at(time.Second), 10), all...)), 2)
		f.wantEqual("waits on", names(f.claimWaiting("bird", at(time.Second), 10), all...), []string{"now"})
	},

	"for the end of a lease ends when a clock that was ahead granted it": func(f *fixture) {
		f.ingest(text("a", "lane"))
		stale := f.claimOne(at(24 * time.Hour))
		f.repairClock(at(0))
		lease := f.claimOne(at(0))
		f.wantErr("Release", f.Release(f.Context(), stale.LeaseRef, at(0)), store.ErrLeaseLost)
		f.advance(lease, end(store.Done, at(0)))
	},

	"for the end of a lease that a clock ahead granted leaves the lease to its holder until the next claim": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(24 * time.Hour))
		f.repairClock(at(0))
		f.wantEqual("due", f.schedule()[store.Conversations].NextDue, at(0))
		f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("after the work", f.schedule()[store.Conversations], store.Schedule{})
	},

	"for its first claim ends with a message that is due earlier": func(f *fixture) {
		f.ingest(received(text("a", "lane"), at(24*time.Hour)))
		f.ingest(text("b", "lane"))
		f.wantEqual("claimed", names(f.claim(at(0), 10), "a", "b"), []string{"a"})
	},

	"for a pause or a leadership ends when a clock that was ahead set it": func(f *fixture) {
		ahead := at(24 * time.Hour)
		f.wantErr("SetPause", f.SetPause(f.Context(), store.Pause{Scope: "app", Until: ahead.Add(time.Hour)}, ahead), nil)
		f.wantErr("SetPause", f.SetPause(f.Context(), store.Pause{Scope: "number", Until: at(time.Hour)}, at(0)), nil)

		for _, holder := range []string{"a", "b"} {
			held, _, err := f.AcquireLeadership(f.Context(), holder, "ahead", ahead, ahead.Add(time.Hour))
			f.wantErr("AcquireLeadership", err, nil)
			f.wantEqual("held", held, true)
		}

		f.repairClock(at(time.Second))

		f.wantPauses(at(0), store.Pause{Scope: "number", Until: at(time.Hour)})

		held, _, err := f.AcquireLeadership(f.Context(), "a", "now", at(time.Second), at(time.Hour))
		f.wantErr("AcquireLeadership", err, nil)
		f.wantEqual("held", held, true)
	},

	"for a takeover keeps its length when a clock that was ahead started it": func(f *fixture) {
		ahead := at(24 * time.Hour)
		f.ingest(received(text("a", "lane"), ahead), received(echo("echo", "lane", colleague(ahead)), ahead),
			echo("back", "returned", store.Takeover{At: ahead}), text("now", "other"))
		f.repairClock(at(time.Second))
		f.wantEqual("state", f.state("lane"), store.Conversation{LastInboundAt: at(time.Second), Takeover: colleague(at(time.Second))})
		f.wantEqual("returned", f.state("returned").Takeover, store.Takeover{At: at(time.Second)})
		f.wantEqual("other", f.state("other"), store.Conversation{LastInboundAt: at(0)})
	},

	"under a lease is not repaired": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.repairClock(at(0))
		_, err := f.Renew(f.Context(), []store.LeaseRef{lease.LeaseRef}, at(2*leaseTime))
		f.wantErr("Renew", err, nil)
		f.repairClock(at(0))
		f.advance(lease, end(store.Done, at(0)))
	},
}
