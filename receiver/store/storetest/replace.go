// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// replacement returns what is sent instead of parts of an answer.
func replacement() *store.Reply {
	return &store.Reply{
		Type:     "template",
		Body:     []byte(`{"instead":true}`),
		Fallback: true,
	}
}

// replaced returns the stored replacement, whose send starts.
func replaced(part int, started time.Time) store.Reply {
	reply := *replacement()
	reply.Part = part
	reply.State = store.Sending
	reply.StartedAt = started

	return reply
}

// remove processes a status that reports a reply failed in whose place another was sent.
func remove(f *fixture, now time.Time, reply store.ReplyRef) {
	f.Helper()
	f.ingest(inClass(store.Statuses, received(text("status "+now.String(), "lane"), now)))
	step := end(store.Done, now)
	step.Remove = &reply
	f.advance(f.claimOneOf(store.Statuses, now), step)
}

var replaceTests = map[string]func(*fixture){
	"replaces the part that it sends, and those after it": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))

		planned := append(answer(), store.Reply{Part: 2, Type: "text", Body: []byte("three")})
		f.advance(lease, store.Step{
			Now:     at(0),
			Answer:  planned,
			Sending: new(0),
		})
		f.advance(lease, store.Step{
			Now:         at(time.Second),
			Sent:        &store.SentRef{Part: 0, MessageID: "wamid.0"},
			Sending:     new(1),
			Replacement: replacement(),
		})

		want := []store.Reply{answer()[0], replaced(1, at(time.Second))}
		want[0].State = store.Sent
		want[0].StartedAt = at(0)
		want[0].MessageID = "wamid.0"
		f.wantEqual("replies", f.get(id("a")).Replies, want)
		f.wantEqual("replies after a crash", f.claimOne(at(leaseTime)).Work.Replies, want)

		f.ingest(proof(id("a"), 1, "wamid.1", "sent", at(2*time.Minute)))

		want[1].State = store.Sent
		want[1].MessageID = "wamid.1"
		f.wantEqual("replies after a status", f.get(id("a")).Replies, want)
	},

	"replaces in the step that records the answer": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		step := store.Step{
			Now:         at(0),
			Answer:      answer(),
			Sending:     new(0),
			Replacement: replacement(),
		}
		f.advance(lease, step)
		f.wantEqual("replies", f.get(id("a")).Replies, []store.Reply{replaced(0, at(0))})
	},

	"may replace a replacement": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{Now: at(0), Answer: answer()})

		for i, name := range []string{"one", "other"} {
			now := at(time.Duration(i) * time.Second)
			other := replacement()
			other.Body = []byte(name)
			f.advance(lease, store.Step{
				Now:         now,
				Sending:     new(0),
				Replacement: other,
			})

			want := replaced(0, now)
			want.Body = other.Body
			f.wantEqual("replies", f.get(id("a")).Replies, []store.Reply{want})
			f.advance(lease, store.Step{Now: now, Unsent: new(0)})
		}
	},

	"leaves a part that was sent": func(f *fixture) {
		answered(f, "a", "lane")
		resend(f, at(time.Second), store.ReplyRef{Event: id("a"), Part: 0})
		lease := f.claimOne(at(time.Second))
		f.advance(lease, store.Step{
			Now:         at(time.Second),
			Sending:     new(0),
			Replacement: replacement(),
		})

		want := []store.Reply{replaced(0, at(time.Second)), answer()[1]}
		want[0].Resends = 1
		want[1].State = store.Sent
		want[1].MessageID = "wamid.1"
		f.wantEqual("replies", f.get(id("a")).Replies, want)

		part := store.ReplyRef{
			Event:     id("a"),
			Part:      1,
			MessageID: "wamid.1",
		}
		remove(f, at(2*time.Second), part)
		f.wantEqual("replies while the event is pending", f.get(id("a")).Replies, want)

		step := end(store.Done, at(3*time.Second))
		step.Sent = &store.SentRef{Part: 0, MessageID: "wamid.2"}
		f.advance(lease, step)
		remove(f, at(4*time.Second), part)

		want[0].State = store.Sent
		want[0].MessageID = "wamid.2"
		f.wantEqual("replies once it failed", f.get(id("a")).Replies, want[:1])
	},

	"removes no other part": func(f *fixture) {
		answered(f, "a", "lane")
		f.ingest(text("b", "other"))
		f.advance(f.claimOne(at(0)), store.Step{
			Now:     at(0),
			Answer:  answer(),
			Sending: new(0),
			Outcome: &store.Outcome{State: store.Dead},
		})

		for i, reply := range []store.ReplyRef{
			{
				Event:     id("a"),
				Part:      0,
				MessageID: "wamid.other",
			},
			{Event: id("a"), Part: 7},
			{Event: id("b")},
			{Event: id("unknown")},
		} {
			before := []*store.Record{f.get(id("a")), f.get(id("b"))}
			remove(f, at(time.Duration(i)*time.Second), reply)
			f.wantEqual("records", []*store.Record{f.get(id("a")), f.get(id("b"))}, before)
		}
	},

	"replaces nothing that was sent meanwhile": func(f *fixture) {
		answered(f, "a", "lane")
		before := f.get(id("a")).Replies
		resend(f, at(time.Second), store.ReplyRef{Event: id("a"), Part: 1})
		lease := f.claimOne(at(time.Second))

		_, err := f.Advance(f.Context(), lease.LeaseRef, id("a"), store.Step{
			Now:         at(time.Second),
			Sending:     new(0),
			Replacement: replacement(),
		})
		f.wantErr("Advance", err, store.ErrAlreadySent)
		f.wantEqual("the part", f.get(id("a")).Replies[0], before[0])
		f.wantEqual("the parts", len(f.get(id("a")).Replies), 2)
	},
}
