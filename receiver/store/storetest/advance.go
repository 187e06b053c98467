// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// answer returns an answer of two parts.
func answer() []store.Reply {
	return []store.Reply{{
		Part: 0,
		Type: "text",
		Body: []byte("one"),
	}, {
		Part: 1,
		Type: "image",
		Body: []byte("two"),
	}}
}

var advanceTests = map[string]func(*fixture){
	"plans an answer once": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{Now: at(0), Answer: answer()})
		f.advance(lease, store.Step{Now: at(0), Answer: []store.Reply{{Type: "text", Body: []byte("other")}}})

		want := answer()
		want[0].State = store.Planned
		want[1].State = store.Planned
		f.wantEqual("replies", f.get(lease.Work.Event.ID).Replies, want)
	},

	"records the progress of each send": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		want := answer()
		want[0].State = store.Planned
		want[1].State = store.Planned

		steps := []struct {
			step store.Step
			want func()
		}{
			{store.Step{Answer: answer(), Sending: new(0)}, func() {
				want[0].State = store.Sending
				want[0].StartedAt = at(0)
			}},
			{store.Step{Unsent: new(0)}, func() { want[0].State = store.Planned }},
			{store.Step{Sending: new(0)}, func() {
				want[0].State = store.Sending
				want[0].StartedAt = at(2 * time.Second)
			}},
			{store.Step{Sent: &store.SentRef{Part: 0, MessageID: "wamid.1"}, Sending: new(1)}, func() {
				want[0].State = store.Sent
				want[0].MessageID = "wamid.1"
				want[1].State = store.Sending
				want[1].StartedAt = at(3 * time.Second)
			}},
			{store.Step{Unsent: new(0)}, func() {}}, // a sent reply stays Sent
			{store.Step{Sent: &store.SentRef{Part: 1, MessageID: "wamid.2"}}, func() {
				want[1].State = store.Sent
				want[1].MessageID = "wamid.2"
			}},
		}
		for i, s := range steps {
			s.step.Now = at(time.Duration(i) * time.Second)
			if next := f.advance(lease, s.step); next != nil {
				f.Errorf("step %d returned %v, want nil: the work goes on", i, next)
			}

			s.want()
			f.wantEqual("replies", f.get(lease.Work.Event.ID).Replies, want)
		}
	},

	"returns the replies with the event": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{
			Now:     at(time.Second),
			Answer:  answer(),
			Sending: new(0),
		})
		want := answer()
		want[0].State = store.Sending
		want[0].StartedAt = at(time.Second)
		want[1].State = store.Planned
		f.wantEqual("replies", f.claimOne(at(leaseTime)).Work.Replies, want)
	},

	"rejects an invalid step": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{Now: at(0), Answer: answer()})

		before := f.get(lease.Work.Event.ID)
		for name, step := range map[string]store.Step{
			"sent": {
				Now:     at(0),
				Sending: new(1),
				Sent:    &store.SentRef{Part: 2},
			},
			"unsent": {
				Now:     at(0),
				Sending: new(1),
				Unsent:  new(2),
			},
			"sending": {
				Now:     at(0),
				Sent:    &store.SentRef{Part: 0, MessageID: "wamid"},
				Sending: new(2),
			},
			"also": {
				Now:       at(0),
				Sending:   new(1),
				Coalesced: []store.ID{id("unknown")},
			},
			"emit": {
				Now:     at(0),
				Sending: new(1),
				Emit:    []store.Event{{State: store.Dead}},
			},
			"outcome": {
				Now:     at(0),
				Sending: new(1),
				Outcome: &store.Outcome{State: store.Discarded},
			},
		} {
			if _, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, step); err == nil {
				f.Errorf("%s: no error", name)
			}
		}

		f.wantEqual("record", f.get(lease.Work.Event.ID), before)
	},

	"ends events in order, and the lease after the last": func(f *fixture) {
		states := []store.State{store.Done, store.Skipped, store.Human, store.Expired, store.Dead}
		names := []string{"a", "b", "c", "d", "e"}

		for _, name := range names {
			f.ingest(text(name, "lane"))
		}

		lease := f.claimOne(at(0))
		for i, state := range states {
			next := f.advance(lease, end(state, at(time.Second)))
			record := f.get(lease.Work.Event.ID)
			f.wantEqual("state", record.Event.State, state)
			f.wantEqual("finished", record.FinishedAt, at(time.Second))

			if i == len(states)-1 {
				if next != nil {
					f.Errorf("the last event is followed by %v", next)
				}

				break
			}

			want := text(names[i+1], "lane")
			f.wantEqual("next", next, &store.Work{
				Event:        want,
				Seq:          f.get(want.ID).Seq,
				Starts:       1,
				Conversation: store.Conversation{LastInboundAt: at(0)},
			})
			lease.Work = *next
		}

		_, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, store.Step{Now: at(0)})
		f.wantErr("Advance after the last", err, store.ErrLeaseLost)
		f.wantEqual("claimed", f.claim(at(time.Hour), 10), []store.Lease(nil))
	},

	"does not apply a repeated step to the next event": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, end(store.Done, at(0)))
		_, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, end(store.Done, at(0)))
		f.wantErr("Advance", err, store.ErrLeaseLost)
		f.wantEqual("state", f.get(text("b", "").ID).Event.State, store.Pending)
	},

	"postpones, and counts spent attempts": func(f *fixture) {
		f.ingest(text("a", "lane"))

		now := at(0)

		var (
			attempts int
			failures []store.Failure
		)
		for _, spent := range []bool{true, false, true} {
			lease := f.claimOne(now)
			f.wantEqual("attempts", lease.Work.Attempts, attempts)
			f.wantEqual("starts", lease.Work.Starts, 1)

			step := postpone(now, now.Add(time.Hour), spent)
			if next := f.advance(lease, step); next != nil {
				f.Errorf("a postponed event is followed by %v", next)
			}

			_, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, step)
			f.wantErr("Advance after the end of the lease", err, store.ErrLeaseLost)
			f.wantEqual("claimed early", f.claim(now.Add(time.Hour-time.Millisecond), 1), []store.Lease(nil))

			if spent {
				attempts++
			}

			failures = append(failures, *step.Outcome.Failure)
			now = now.Add(time.Hour)
		}

		record := f.get(text("a", "").ID)
		f.wantEqual("attempts", record.Attempts, attempts)
		f.wantEqual("failures", record.Failures, failures)
	},

	"counts the last attempt": func(f *fixture) {
		f.ingest(text("a", "lane"))

		step := postpone(at(0), time.Time{}, true)
		step.Outcome.State = store.Dead
		f.advance(f.claimOne(at(0)), step)
		record := f.get(text("a", "").ID)
		f.wantEqual("attempts", record.Attempts, 1)
		f.wantEqual("failures", record.Failures, []store.Failure{*step.Outcome.Failure})
	},

	"keeps the newest failures": func(f *fixture) {
		f.ingest(text("a", "lane"))

		for i := range store.MaxFailures + 3 {
			now := at(time.Duration(i) * time.Second)
			f.advance(f.claimOne(now), postpone(now, now, false))
		}

		failures := f.get(text("a", "").ID).Failures
		f.wantEqual("failures", len(failures), store.MaxFailures)
		f.wantEqual("oldest", failures[0].At, at(3*time.Second))
		f.wantEqual("newest", failures[len(failures)-1].At, at((store.MaxFailures+2)*time.Second))
	},

	"counts starts until a step is recorded": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"))

		now := at(0)
		for want := 1; want <= 3; want++ {
			f.wantEqual("starts", f.claimOne(now).Work.Starts, want)
			now = now.Add(leaseTime)
		}

		lease := f.claimOne(now)
		f.advance(lease, store.Step{Now: now, Answer: answer()})
		lease = f.claimOne(now.Add(leaseTime))
		f.wantEqual("starts after a step", lease.Work.Starts, 2)
		next := f.advance(lease, end(store.Done, now))
		f.wantEqual("starts of the next event", next.Starts, 1)
		f.wantEqual("starts of the next event, again", f.claimOne(now.Add(2*leaseTime)).Work.Starts, 2)
	},
}
