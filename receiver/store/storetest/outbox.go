// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// notice returns a notice for the sink.
func notice(name string) store.Event { //nolint:unparam // like the other fixtures
	e := inClass(store.Notices, text(name, "sink"))
	e.ID = store.NewID(store.KindNotice, name)
	e.Kind = store.KindNotice
	e.Type = "message.dead"

	return e
}

var outboxTests = map[string]func(*fixture){
	"contains the events that a step emits": func(f *fixture) {
		f.ingest(text("a", "lane"))

		step := end(store.Done, at(0))
		step.Emit = []store.Event{notice("n"), notice("n"), text("b", "lane"), finished(text("c", ""), store.Skipped)}
		next := f.advance(f.claimOne(at(0)), step)
		f.wantEqual("next", next.Event, text("b", "lane"))
		f.wantEqual("skipped", f.get(id("c")).Event, finished(text("c", ""), store.Skipped))
		f.wantEqual("stats", f.stats(at(0)),
			store.Stats{
				Pending:             1,
				OldestPending:       at(0),
				PendingNotices:      1,
				ActiveConversations: 1,
			})
		f.wantEqual("fresh", f.ingest(notice("n")), []bool{false})
		lease := f.claimOneOf(store.Notices, at(0))
		f.wantEqual("notice", lease.Work.Event, notice("n"))
		f.advance(lease, postpone(at(0), at(time.Second), true))
		f.advance(f.claimOneOf(store.Notices, at(time.Second)), end(store.Dead, at(time.Second)))
		f.wantEqual("dead letters", f.stats(at(0)).DeadLetters, int64(1))
	},

	"is written with its step or not at all": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{
			Now:    at(0),
			Answer: answer(),
			Sent:   &store.SentRef{MessageID: "wamid"},
		})

		for name, step := range map[string]store.Step{
			"sent already": {
				Now:     at(0),
				Sending: new(0),
				Emit:    []store.Event{notice("n")},
			},
			"no such part": {
				Now:     at(0),
				Sending: new(7),
				Emit:    []store.Event{notice("n")},
			},
			"bad event": {Now: at(0), Emit: []store.Event{notice("n"), {}}},
		} {
			if _, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, step); err == nil {
				f.Errorf("%s: no error", name)
			}
		}

		stale := lease
		stale.Token++
		_, err := f.Advance(f.Context(), stale.LeaseRef, lease.Work.Event.ID, store.Step{Now: at(0), Emit: []store.Event{notice("n")}})
		f.wantErr("Advance", err, store.ErrLeaseLost)
		f.wantEqual("claimed", f.claimClass(store.Notices, at(time.Hour), 10), []store.Lease(nil))
	},

	"does not end a lease on the lane it emits to": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{Now: at(0), Emit: []store.Event{text("b", "lane")}})
		f.wantEqual("claimed", f.claim(at(0), 10), []store.Lease(nil))
		f.wantEqual("next", f.advance(lease, end(store.Done, at(0))).Event, text("b", "lane"))
	},
}
