// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// peek returns the events behind the head of a lease.
func (f *fixture) peek(lease store.Lease, limit int) []store.Event {
	f.Helper()

	events, err := f.Peek(f.Context(), lease.LeaseRef, limit)
	if err != nil {
		f.Fatalf("Peek: %v", err)
	}

	return events
}

var coalesceTests = map[string]func(*fixture){
	"peeks at the events behind the head": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"), text("x", "other"), text("c", "lane"), text("d", "lane"))
		f.ingest(inClass(store.Notices, text("y", "lane")))
		lease := f.claim(at(0), 1)[0]
		f.wantEqual("two", f.peek(lease, 2), []store.Event{text("b", "lane"), text("c", "lane")})
		f.wantEqual("all", f.peek(lease, 10), []store.Event{text("b", "lane"), text("c", "lane"), text("d", "lane")})
		f.wantEqual("none", f.peek(lease, 0), []store.Event(nil))
		f.advance(lease, postpone(at(0), at(time.Hour), false))
		_, err := f.Peek(f.Context(), lease.LeaseRef, 1)
		f.wantErr("Peek", err, store.ErrLeaseLost)
	},

	"ends events together": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"), text("c", "lane"), text("d", "lane"))
		lease := f.claimOne(at(0))
		step := end(store.Done, at(time.Second))
		step.Coalesced = []store.ID{id("b"), id("c")}
		next := f.advance(lease, step)
		f.wantEqual("next", next.Event, text("d", "lane"))

		for _, name := range []string{"a", "b", "c"} {
			f.wantEqual("state of "+name, f.get(id(name)).Event.State, store.Done)
			f.wantEqual("end of "+name, f.get(id(name)).FinishedAt, at(time.Second))
		}

		f.wantEqual("pending", f.stats(at(0)).Pending, int64(1))
	},

	"ends events together without an answer": func(f *fixture) {
		for _, state := range []store.State{store.Skipped, store.Human, store.Expired} {
			first := string(state) + "1"
			second := string(state) + "2"
			f.ingest(text(first, string(state)), text(second, string(state)))

			step := end(state, at(time.Second))
			step.Coalesced = []store.ID{id(second)}

			if next := f.advance(f.claimOne(at(0)), step); next != nil {
				f.Errorf("%s: the last events are followed by %v", state, next)
			}

			f.wantEqual("state of "+first, f.get(id(first)).Event.State, state)
			f.wantEqual("state of "+second, f.get(id(second)).Event.State, state)
		}
	},

	"survives attempts and crashes": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"), text("c", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{
			Now:       at(0),
			Answer:    answer(),
			Coalesced: []store.ID{id("b")},
		})
		f.wantEqual("behind", f.peek(lease, 10), []store.Event{text("c", "lane")})
		lease = f.claimOne(at(leaseTime))
		f.wantEqual("coalesced", lease.Work.Coalesced, []store.Event{text("b", "lane")})
		f.advance(lease, postpone(at(leaseTime), at(leaseTime), true))
		lease = f.claimOne(at(leaseTime))
		f.wantEqual("coalesced", lease.Work.Coalesced, []store.Event{text("b", "lane")})
		f.advance(lease, store.Step{Now: at(leaseTime), Coalesced: []store.ID{id("b"), id("c")}}) // b is coalesced already

		if next := f.advance(lease, end(store.Done, at(leaseTime))); next != nil {
			f.Errorf("the last events are followed by %v", next)
		}

		f.wantEqual("pending", f.stats(at(0)).Pending, int64(0))
	},

	"ends events together that are not neighbors": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"), text("c", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{Now: at(0), Coalesced: []store.ID{id("c")}})
		f.wantEqual("behind", f.peek(lease, 10), []store.Event{text("b", "lane")})

		next := f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("next", next.Event, text("b", "lane"))
		f.wantEqual("state of c", f.get(id("c")).Event.State, store.Done)
		f.wantEqual("settled in the record of c", f.get(id("c")).Settled, true)
		f.wantEqual("settled in the record of b", f.get(id("b")).Settled, false)
	},

	"settles an event without others": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"))
		lease := f.claimOne(at(0))
		f.wantEqual("settled at first", lease.Work.Settled, false)

		step := postpone(at(0), at(0), false)
		step.Settled = true
		f.advance(lease, step)

		lease = f.claimOne(at(0))
		f.wantEqual("settled", lease.Work.Settled, true)
		f.wantEqual("coalesced", lease.Work.Coalesced, []store.Event(nil))
		f.wantEqual("settled in the record", f.get(id("a")).Settled, true)
		f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("settled in the record of b", f.get(id("b")).Settled, false)
	},

	"dead-letters events together, and replays them together": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"), text("c", "lane"))

		step := postpone(at(0), time.Time{}, true)
		step.Coalesced = []store.ID{id("b"), id("c")}
		step.Outcome.State = store.Dead
		f.advance(f.claimOne(at(0)), step)
		f.wantEqual("dead letters", f.stats(at(0)).DeadLetters, int64(3))
		f.wantEqual("failures", f.get(id("c")).Failures, []store.Failure{*step.Outcome.Failure})

		f.wantErr("Replay", f.Replay(f.Context(), id("c"), at(0)), nil) // alone
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(0)), nil)
		lease := f.claimOne(at(0))
		f.wantEqual("head", lease.Work.Event, text("a", "lane"))
		f.wantEqual("coalesced", lease.Work.Coalesced, []store.Event{text("b", "lane")})
		f.wantErr("Replay", f.Replay(f.Context(), id("b"), at(0)), store.ErrNotFound)
		next := f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("next", next.Event, text("c", "lane"))
	},

	"rejects an event with an answer": func(f *fixture) {
		makeDead(f, "old")
		f.ingest(text("a", "lane"), text("b", "lane"), text("c", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{
			Now:       at(0),
			Answer:    answer(),
			Coalesced: []store.ID{id("b")},
		})
		f.wantErr("Replay", f.Replay(f.Context(), id("old"), at(0)), nil)
		f.advance(lease, postpone(at(0), at(0), false))
		lease = f.claimOne(at(0))
		f.wantEqual("head", lease.Work.Event, text("old", "lane"))
		f.wantEqual("behind", f.peek(lease, 10), []store.Event(nil))

		for _, name := range []string{"a", "b", "old", "unknown"} {
			_, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, store.Step{Now: at(0), Coalesced: []store.ID{id(name)}})
			if err == nil {
				f.Errorf("event %s was bound", name)
			}
		}

		next := f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("next", next.Event, text("a", "lane"))
		f.wantEqual("coalesced", next.Coalesced, []store.Event{text("b", "lane")})
	},
}
