// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// inClass returns an event in another class.
func inClass(class store.Class, e store.Event) store.Event {
	e.Class = class
	return e
}

var classTests = map[string]func(*fixture){
	"defaults to conversations": func(f *fixture) {
		var zero store.Class
		f.ingest(inClass(zero, text("a", "lane")))
		f.wantEqual("event", f.claimOne(at(0)).Work.Event, text("a", "lane"))
		f.wantEqual("record", f.get(id("a")).Event, text("a", "lane"))
	},

	"is claimed separately": func(f *fixture) {
		f.ingest(text("a", "lane"), inClass(store.Statuses, text("b", "lane")), inClass(store.Notices, text("c", "lane")))

		for class, want := range map[store.Class]string{
			store.Conversations: "a",
			store.Statuses:      "b",
			store.Notices:       "c",
		} {
			lease := f.claimOneOf(class, at(0))
			f.wantEqual("lease", lease.LeaseRef, store.LeaseRef{
				Class: class,
				Lane:  "lane",
				Token: lease.Token,
			})
			f.wantEqual("event", lease.Work.Event, inClass(class, text(want, "lane")))
			f.wantEqual("claimed again", f.claimClass(class, at(0), 10), []store.Lease(nil))
		}
	},

	"has lanes of its own": func(f *fixture) {
		f.ingest(text("a", "lane"), inClass(store.Statuses, text("b", "lane")))
		held := f.claimOne(at(0))

		other := f.claimOneOf(store.Statuses, at(0))
		if next := f.advance(other, end(store.Done, at(0))); next != nil {
			f.Errorf("a status is followed by %v, of another class", next)
		}

		wrong := held.LeaseRef
		wrong.Class = store.Statuses
		_, err := f.Advance(f.Context(), wrong, held.Work.Event.ID, end(store.Done, at(0)))
		f.wantErr("Advance", err, store.ErrLeaseLost)
		f.advance(held, end(store.Done, at(0)))
	},

	"does not affect the order or the retries of another": func(f *fixture) {
		status := func(name string) store.Event { return inClass(store.Statuses, text(name, "lane")) }
		f.ingest(status("a"), status("b"), text("c", "lane"))
		lease := f.claimOneOf(store.Statuses, at(0))
		f.advance(lease, postpone(at(0), at(time.Hour), true))
		f.advance(f.claimOne(at(0)), end(store.Done, at(0)))
		f.wantEqual("claimed early", f.claimClass(store.Statuses, at(time.Minute), 10), []store.Lease(nil))
		lease = f.claimOneOf(store.Statuses, at(time.Hour))
		f.wantEqual("attempts", lease.Work.Attempts, 1)
		next := f.advance(lease, end(store.Dead, at(time.Hour)))
		f.wantEqual("next", next.Event, status("b"))
		f.advance(store.Lease{LeaseRef: lease.LeaseRef, Work: *next}, end(store.Done, at(time.Hour)))
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(2*time.Hour)), nil)
		f.wantEqual("replayed", f.claimOneOf(store.Statuses, at(2*time.Hour)).Work.Event, status("a"))
	},

	"applies a status and processes it": func(f *fixture) {
		e := status("m", "", "", "read", 3)
		e.State = store.Pending
		e.Class = store.Statuses
		e.Lane = "lane"
		f.ingest(e)
		got, err := f.MessageStatus(f.Context(), "1065", "m", "")
		f.wantErr("MessageStatus", err, nil)
		f.wantEqual("status", got.Status, "read")
		work := f.claimOneOf(store.Statuses, at(0)).Work
		e.Status = nil
		f.wantEqual("event", work.Event, e)
	},

	"is counted separately": func(f *fixture) {
		f.ingest(inClass(store.Statuses, received(text("b", "lane"), at(-time.Hour))), inClass(store.Notices, text("c", "lane")),
			inClass(store.Notices, text("d", "lane")))
		f.wantEqual("stats", f.stats(at(0)), store.Stats{PendingStatuses: 1, PendingNotices: 2})
		f.ingest(text("a", "lane"))
		f.wantEqual("stats", f.stats(at(0)),
			store.Stats{
				Pending:             1,
				OldestPending:       at(0),
				PendingStatuses:     1,
				PendingNotices:      2,
				ActiveConversations: 1,
			})
		f.advance(f.claimOneOf(store.Statuses, at(0)), end(store.Dead, at(0)))
		f.advance(f.claimOneOf(store.Notices, at(0)), end(store.Done, at(0)))
		f.wantErr("Replay", f.Replay(f.Context(), id("b"), at(0)), nil)
		f.wantEqual("stats", f.stats(at(0)),
			store.Stats{
				Pending:             1,
				OldestPending:       at(0),
				PendingStatuses:     1,
				PendingNotices:      1,
				ActiveConversations: 1,
			})
	},
}
