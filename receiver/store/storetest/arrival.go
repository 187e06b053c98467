// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// offer returns an offer of capacity for lanes of each class.
func offer(now time.Time, lanes int) store.Offer {
	return store.Offer{
		Now:   now,
		Until: now.Add(leaseTime),
		Lanes: [3]int{lanes, lanes, lanes},
	}
}

func (f *fixture) arrive(offer store.Offer, events ...store.Event) store.Arrival {
	f.Helper()

	arrival, err := f.IngestAndClaim(f.Context(), events, offer)
	if err != nil {
		f.Fatalf("IngestAndClaim: %v", err)
	}

	return arrival
}

// arrivalTests are about what arrives without a lease.
var arrivalTests = map[string]func(*fixture){
	"stores each event once": func(f *fixture) {
		a := text("a", "lane")
		f.wantEqual("fresh", f.arrive(offer(at(0), 5), a, a, text("b", "lane")).Fresh, []bool{true, false, true})
		f.wantEqual("fresh again", f.arrive(offer(at(0), 5), a).Fresh, []bool{false})
		f.wantEqual("pending", f.stats(at(0)).Pending, int64(2))
	},

	"reports what is due without a lease": func(f *fixture) {
		notice := text("n", "sink")
		notice.Kind = store.KindNotice
		notice.Class = store.Notices

		a := f.arrive(store.Offer{}, text("a", "lane"), notice)
		f.wantEqual("leases", a.Leases, []store.Lease(nil))
		f.wantEqual("due", a.Due, [3]bool{true, false, true})
		f.claimOne(at(0))
		f.claimOneOf(store.Notices, at(0))
	},

	"leases no lane that is not idle": func(f *fixture) {
		f.ingest(text("due", "due"), text("leased", "leased"), text("late", "late"))

		leases := f.claim(at(0), 3)
		for _, lease := range leases {
			switch lease.Lane {
			case "due":
				f.wantErr("Release", f.Release(f.Context(), lease.LeaseRef, at(0)), nil)
			case "late":
				f.advance(lease, postpone(at(0), at(time.Hour), true))
			}
		}

		a := f.arrive(offer(at(1), 5), text("1", "due"), text("2", "leased"), text("3", "late"))
		f.wantEqual("leases", a.Leases, []store.Lease(nil))
		f.wantEqual("head of the due lane", names(f.claim(at(1), 5), "due", "1", "2", "3"), []string{"due"})
	},

	"leases no event of later": func(f *fixture) {
		a := f.arrive(offer(at(0), 5), received(text("a", "lane"), at(time.Second)))
		f.wantEqual("leases", a.Leases, []store.Lease(nil))
		f.wantEqual("due", a.Due[store.Conversations], true)
		f.claimOne(at(time.Second))
	},

	"leaves no lease to a caller that has left": func(f *fixture) {
		ctx, leave := context.WithCancel(f.Context())
		leave()

		if _, err := f.IngestAndClaim(ctx, []store.Event{text("a", "lane")}, offer(at(0), 1)); err == nil {
			f.Fatal("IngestAndClaim stored an event for a caller that has left")
		}

		f.ingest(text("a", "lane"))
		f.claimOne(at(0))
	},
}

// leasedArrivalTests are about leases of what arrives.
var leasedArrivalTests = map[string]func(*fixture){
	"has the event at its head": func(f *fixture) {
		e := text("a", "lane")
		e.Aliases = []string{"alias"}
		e.SentAt = at(-time.Second)
		a := f.arrive(offer(at(0), 1), e)
		lease := f.only(a.Leases)
		f.wantEqual("lease", lease, store.Lease{
			LeaseRef: store.LeaseRef{
				Class: store.Conversations,
				Lane:  "lane",
				Token: lease.Token,
			},
			Work: store.Work{
				Event:        text("a", "lane"),
				Seq:          f.get(e.ID).Seq,
				Starts:       1,
				Conversation: store.Conversation{LastInboundAt: at(-time.Second)},
			},
		})
		f.wantEqual("due", a.Due, [3]bool{})
		f.wantEqual("claimed", f.claim(at(leaseTime-time.Millisecond), 10), []store.Lease(nil))
		f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("state", f.get(e.ID).Event.State, store.Done)
	},

	"goes on with the next event of the call": func(f *fixture) {
		a := f.arrive(offer(at(0), 5), text("a", "lane"), text("b", "lane"), text("a", "lane"))
		lease := f.only(a.Leases)
		f.wantEqual("due", a.Due, [3]bool{})

		next := f.advance(lease, end(store.Done, at(0)))
		if next == nil || next.Event.ID != text("b", "").ID {
			f.Fatalf("next event is %v, want the second one", next)
		}
	},

	"is of a class with capacity": func(f *fixture) {
		status := text("s", "lane")
		status.Kind = store.KindStatus
		status.Class = store.Statuses

		room := offer(at(0), 0)
		room.Lanes[store.Conversations] = 1

		a := f.arrive(room, status, text("a", "one"), text("b", "two"))
		f.wantEqual("leased", names(a.Leases, "a", "b"), []string{"a"})
		f.wantEqual("due", a.Due, [3]bool{true, true, false})
		f.wantEqual("claimed", names(f.claim(at(0), 10), "a", "b"), []string{"b"})
		f.claimOneOf(store.Statuses, at(0))
	},

	"is on the lane of the person": func(f *fixture) {
		e := text("a", "one")
		e.Aliases = []string{"two"}
		f.advance(f.only(f.arrive(offer(at(0), 1), e).Leases), end(store.Done, at(0)))

		lease := f.only(f.arrive(offer(at(0), 1), text("b", "two")).Leases)
		f.wantEqual("lane", lease.Lane, "one")
		f.wantEqual("lane of the event", lease.Work.Event.Lane, "one")
		f.advance(lease, end(store.Done, at(0)))
	},

	"is lost when two leased lanes are joined": func(f *fixture) {
		e := text("b", "two")
		joined := text("c", "one")
		joined.Aliases = []string{"two"}

		lease := f.only(f.arrive(offer(at(0), 5), text("a", "one"), e, joined).Leases)
		f.wantEqual("lane", lease.Lane, "one")
		f.wantEqual("head", names([]store.Lease{lease}, "a", "b", "c"), []string{"a"})
	},

	"knows what later events of the call change": func(f *fixture) {
		colleague := text("b", "lane")
		colleague.Kind = store.KindField
		colleague.State = store.Done
		colleague.Takeover = &store.Takeover{
			By:    store.Colleague,
			Until: at(time.Hour),
			At:    at(0),
		}

		lease := f.only(f.arrive(offer(at(0), 5), text("a", "lane"), colleague).Leases)
		f.wantEqual("taken over", lease.Work.Conversation.Takeover.Active(at(0)), true)
	},

	"knows the person of a failed status": func(f *fixture) {
		f.advance(f.only(f.arrive(offer(at(0), 1), text("a", "lane")).Leases), end(store.Done, at(0)))

		status := text("s", "lane")
		status.Kind = store.KindStatus
		status.Class = store.Statuses
		lease := f.only(f.arrive(offer(at(0), 1), status).Leases)
		f.wantEqual("last message", lease.Work.Conversation.LastInboundAt, at(0))
	},

	"counts as a start": func(f *fixture) {
		f.arrive(offer(at(0), 1), text("a", "lane"))
		again := f.claimOne(at(leaseTime))
		f.wantEqual("starts after a crash", again.Work.Starts, 2)
	},

	"can be released without a start": func(f *fixture) {
		lease := f.only(f.arrive(offer(at(0), 1), text("a", "lane")).Leases)
		f.wantErr("Release", f.Release(f.Context(), lease.LeaseRef, at(0)), nil)
		f.wantEqual("starts", f.claimOne(at(0)).Work.Starts, 1)
	},
}
