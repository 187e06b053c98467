// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func (f *fixture) detail(name string) *store.EventDetail {
	f.Helper()

	detail, err := f.EventDetail(f.Context(), id(name))
	if err != nil {
		f.Fatalf("EventDetail: %v", err)
	}

	return detail
}

var eventDetailTests = map[string]func(*fixture){
	"is the record with the statuses of its answer": func(f *fixture) {
		f.ingest(text("question", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{
			Now: at(0),
			Answer: []store.Reply{
				{Type: "text", Body: []byte(`{"n":0}`)},
				{Part: 1, Type: "text", Body: []byte(`{"n":1}`)},
			},
			Sending: new(0),
		})
		f.advance(lease, store.Step{
			Now:     at(0),
			Sent:    &store.SentRef{MessageID: "wamid.0"},
			Outcome: &store.Outcome{State: store.Done},
		})
		f.ingest(
			status("wamid.0", "", "", "delivered", 2),
			status("wamid.0", "", "", "sent", 1),
			status("wamid.0", "", "payment", "captured", 1),
			status("wamid.1", "", "", "read", 3),
		)

		detail := f.detail("question")
		f.wantEqual("record", detail.Record, *f.get(id("question")))

		if len(detail.Statuses) != 1 || detail.Statuses[0].Status != "delivered" || detail.Statuses[0].MessageID != "wamid.0" {
			f.Errorf("the statuses are %+v, want the furthest of the message", detail.Statuses)
		}
	},
	"names the events that are answered together": func(f *fixture) {
		f.ingest(text("head", "lane"), text("one", "lane"), text("two", "lane"), text("apart", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{Now: at(0), Coalesced: []store.ID{id("one"), id("two")}})

		f.wantEqual("followers", f.detail("head").Followers, []store.ID{id("one"), id("two")})
		f.wantEqual("head", f.detail("one").CoalescedWith, id("head"))
		f.wantEqual("head of another", f.detail("apart").CoalescedWith, store.ID{})

		f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("followers of the answer", f.detail("head").Followers, []store.ID{id("one"), id("two")})
	},
	"of an unknown event is not found": func(f *fixture) {
		_, err := f.EventDetail(f.Context(), id("unknown"))
		f.wantErr("EventDetail", err, store.ErrNotFound)
	},
	"statuses are those of each participant of a group": func(f *fixture) {
		f.ingest(
			status("wamid.b", "ana", "", "delivered", 2),
			status("wamid.a", "", "", "sent", 1),
			status("wamid.b", "luis", "", "read", 3),
			status("wamid.c", "", "", "sent", 1),
		)

		found, err := f.Statuses(f.Context(), "1065", []string{"wamid.a", "wamid.b", "wamid.none"})
		f.wantErr("Statuses", err, nil)

		var got []string
		for _, s := range found {
			got = append(got, fmt.Sprint(s.MessageID, s.Participant, s.Status))
		}

		f.wantEqual("statuses", got, []string{"wamid.asent", "wamid.banadelivered", "wamid.bluisread"})

		found, err = f.Statuses(f.Context(), "other", []string{"wamid.a"})
		f.wantErr("Statuses", err, nil)
		f.wantEqual("statuses of another number", found, []store.StatusUpdate(nil))
	},
}

var recentTests = map[string]func(*fixture){
	"lists all conversations, the newest activity first": func(f *fixture) {
		f.ingest(
			received(text("a", "anna"), at(time.Hour)),
			received(text("b", "bert"), at(3*time.Hour)),
			received(text("c", "carl"), at(3*time.Hour)),
			received(text("d", "dora"), at(2*time.Hour)),
			received(outbound("silent", "zoe"), at(time.Hour)),
			received(outbound("silent too", "yves"), at(time.Hour)),
		)

		want := []string{"carl", "bert", "dora", "anna", "yves", "zoe"}

		for _, limit := range []int{1, 2, 3, 4, 10} {
			var got []string

			for after := (store.Position{}); ; {
				page, err := f.Recent(f.Context(), after, limit)
				if err != nil {
					f.Fatalf("Recent: %v", err)
				}

				for _, c := range page {
					got = append(got, c.Name)
					after = store.Position{At: c.LastInboundAt, Name: c.Name}
				}

				if len(page) < limit {
					break
				}
			}

			f.wantEqual(fmt.Sprintf("conversations, %d a page", limit), got, want)
		}
	},
	"has the state of each person once": func(f *fixture) {
		joined := text("b", "user")
		joined.Aliases = []string{"number"}

		f.ingest(text("a", "number"))
		f.ingest(joined)

		page, err := f.Recent(f.Context(), store.Position{}, 10)
		if err != nil || len(page) != 1 || !page[0].LastInboundAt.Equal(at(0)) {
			f.Errorf("Recent returned %+v, %v, want the person once", page, err)
		}
	},
}
