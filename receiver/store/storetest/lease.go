// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

var leaseTests = map[string]func(*fixture){
	"goes to one caller, with the head of the lane": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"))
		lease := f.claimOne(at(0))
		seq := f.get(text("a", "lane").ID).Seq
		f.wantEqual("lease", lease, store.Lease{
			LeaseRef: store.LeaseRef{
				Class: store.Conversations,
				Lane:  "lane",
				Token: lease.Token,
			},
			Work: store.Work{
				Event:        text("a", "lane"),
				Seq:          seq,
				Starts:       1,
				Conversation: store.Conversation{LastInboundAt: at(0)},
			},
		})
		f.wantEqual("claimed again", f.claim(at(leaseTime-time.Millisecond), 10), []store.Lease(nil))
	},

	"follows the order of arrival": func(f *fixture) {
		// Neither ids nor times decide the order.
		f.ingest(received(text("c", "lane"), at(time.Second)), received(text("a", "lane"), at(3*time.Second)))
		f.ingest(received(text("b", "lane"), at(2*time.Second)))
		lease := f.claimOne(at(time.Minute))

		var order []string
		for work := &lease.Work; work != nil; {
			lease.Work = *work
			order = append(order, names([]store.Lease{lease}, "a", "b", "c")...)
			work = f.advance(lease, end(store.Done, at(time.Minute)))
		}

		f.wantEqual("order", order, []string{"c", "a", "b"})
	},

	"does not wait for other lanes": func(f *fixture) {
		f.ingest(text("a", "one"), text("b", "two"), text("c", "one"))
		first := f.claim(at(0), 1)
		f.wantEqual("first", names(first, "a", "b", "c"), []string{"a"})
		f.advance(first[0], postpone(at(0), at(time.Hour), true))
		f.wantEqual("second", names(f.claim(at(time.Minute), 10), "a", "b", "c"), []string{"b"})
	},

	"goes to the longest due lanes first, up to the limit": func(f *fixture) {
		f.ingest(received(text("late", "one"), at(3*time.Second)), received(text("early", "two"), at(time.Second)),
			received(text("middle", "three"), at(2*time.Second)), received(text("not due", "four"), at(time.Hour)))

		all := []string{"late", "early", "middle", "not due"}

		f.wantEqual("none", f.claim(at(time.Minute), 0), []store.Lease(nil))
		f.wantEqual("two", names(f.claim(at(time.Minute), 2), all...), []string{"early", "middle"})
		f.wantEqual("the rest", names(f.claim(at(time.Minute), 2), all...), []string{"late"})
	},

	"exists for pending events only": func(f *fixture) {
		f.ingest(finished(text("a", ""), store.Skipped), finished(text("b", ""), store.Quarantined),
			finished(text("c", ""), store.Done))
		f.wantEqual("claimed", f.claim(at(time.Hour), 10), []store.Lease(nil))
	},

	"goes to one of many concurrent callers": func(f *fixture) {
		for i := range 60 {
			f.ingest(text(strconv.Itoa(i), "lane "+strconv.Itoa(i)))
		}

		var mu sync.Mutex

		claimed := map[string]int{}

		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				leases, err := f.Claim(f.Context(), store.Conversations, at(0), at(leaseTime), 5)
				if err != nil {
					f.Errorf("Claim: %v", err)
				}

				mu.Lock()
				defer mu.Unlock()

				for _, lease := range leases {
					claimed[lease.Lane]++
				}
			})
		}

		all.Wait()

		for _, lease := range f.claim(at(0), 60) {
			claimed[lease.Lane]++
		}

		want := map[string]int{}
		for lane := range maps.Keys(claimed) {
			want[lane] = 1
		}

		f.wantEqual("claims of each lane", claimed, want)
		f.wantEqual("lanes", len(claimed), 60)
	},

	"can be claimed again after it expired": func(f *fixture) {
		f.ingest(text("a", "lane"))
		first := f.claimOne(at(0))

		second := f.claimOne(at(leaseTime))
		if first.Token == second.Token {
			f.Error("two claims have the same token")
		}

		f.wantEqual("starts", second.Work.Starts, 2)
	},

	"changes nothing once it is lost": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"))
		stale := f.claimOne(at(0))
		fresh := f.claimOne(at(leaseTime))
		f.advance(fresh, store.Step{
			Now:     at(leaseTime),
			Answer:  []store.Reply{{Type: "text", Body: []byte("1")}},
			Sending: new(0),
		})

		before := f.get(stale.Work.Event.ID)
		for name, step := range map[string]store.Step{
			"end":      end(store.Done, at(leaseTime)),
			"postpone": postpone(at(leaseTime), at(time.Hour), true),
			"sent":     {Now: at(leaseTime), Sent: &store.SentRef{MessageID: "wamid"}},
			"unsent":   {Now: at(leaseTime), Unsent: new(0)},
		} {
			_, err := f.Advance(f.Context(), stale.LeaseRef, stale.Work.Event.ID, step)
			f.wantErr("Advance: "+name, err, store.ErrLeaseLost)
		}

		f.wantErr("Release", f.Release(f.Context(), stale.LeaseRef, at(leaseTime)), store.ErrLeaseLost)
		lost, err := f.Renew(f.Context(), []store.LeaseRef{stale.LeaseRef, fresh.LeaseRef}, at(time.Hour))
		f.wantErr("Renew", err, nil)
		f.wantEqual("lost", lost, []store.LeaseRef{stale.LeaseRef})
		f.wantEqual("record", f.get(stale.Work.Event.ID), before)
		f.wantEqual("claimed", f.claim(at(time.Hour-1), 10), []store.Lease(nil))
	},

	"is valid after it expired until another caller claims the lane": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, end(store.Done, at(2*leaseTime)))
		f.wantEqual("state", f.get(lease.Work.Event.ID).Event.State, store.Done)
	},

	"can be renewed": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		lost, err := f.Renew(f.Context(), []store.LeaseRef{lease.LeaseRef}, at(10*leaseTime))
		f.wantErr("Renew", err, nil)
		f.wantEqual("lost", lost, []store.LeaseRef(nil))
		f.wantEqual("claimed", f.claim(at(9*leaseTime), 10), []store.Lease(nil))
		f.claimOne(at(10 * leaseTime))
	},

	"can be released without progress": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.wantErr("Release", f.Release(f.Context(), lease.LeaseRef, at(time.Second)), nil)
		f.wantErr("Release again", f.Release(f.Context(), lease.LeaseRef, at(time.Second)), store.ErrLeaseLost)
		again := f.claimOne(at(time.Second))
		f.wantEqual("starts", again.Work.Starts, 1)
	},

	"stays when an event arrives": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.ingest(received(text("b", "lane"), at(time.Second)))
		f.wantEqual("claimed", f.claim(at(2*time.Second), 10), []store.Lease(nil))

		next := f.advance(lease, end(store.Done, at(2*time.Second)))
		if next == nil || next.Event.ID != text("b", "").ID {
			f.Errorf("next event is %v, want the event that arrived", next)
		}
	},

	"does not bring a retry forward when an event arrives": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.advance(f.claimOne(at(0)), postpone(at(0), at(time.Hour), true))
		f.ingest(received(text("b", "lane"), at(time.Second)))
		f.wantEqual("claimed early", f.claim(at(time.Hour-time.Millisecond), 10), []store.Lease(nil))
		f.wantEqual("claimed", names(f.claim(at(time.Hour), 10), "a", "b"), []string{"a"})
	},

	"makes an idle lane due when an event arrives": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.advance(f.claimOne(at(0)), end(store.Done, at(0)))
		f.ingest(received(text("b", "lane"), at(time.Second)))
		lease := f.claimOne(at(time.Second))
		f.wantEqual("claimed", names([]store.Lease{lease}, "a", "b"), []string{"b"})
		f.wantEqual("starts", lease.Work.Starts, 1)
	},
}
