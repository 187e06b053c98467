// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// answered stores a message and answers it, with both parts sent.
func answered(f *fixture, name, lane string) {
	f.Helper()
	f.ingest(text(name, lane))
	lease := f.claimOne(at(0))
	f.advance(lease, store.Step{
		Now:    at(0),
		Answer: answer(),
		Sent:   &store.SentRef{Part: 0, MessageID: "wamid.0"},
	})
	step := end(store.Done, at(0))
	step.Sent = &store.SentRef{Part: 1, MessageID: "wamid.1"}
	f.advance(lease, step)
}

// resend processes a status that reports a reply failed.
func resend(f *fixture, now time.Time, reply store.ReplyRef) {
	f.Helper()
	f.ingest(inClass(store.Statuses, received(text("status "+now.String(), "lane"), now)))
	step := end(store.Done, now)
	step.Resend = &reply
	f.advance(f.claimOneOf(store.Statuses, now), step)
}

var resendTests = map[string]func(*fixture){
	"leaves the time of the person's last message": func(f *fixture) {
		wrote := at(-72 * time.Hour)
		f.ingest(sent(text("a", "lane"), wrote))

		step := end(store.Done, at(0))
		step.Answer = answer()
		step.Sent = &store.SentRef{Part: 1, MessageID: "wamid.1"}
		f.advance(f.claimOne(at(0)), step)

		resend(f, at(time.Minute), store.ReplyRef{
			Event:     id("a"),
			Part:      1,
			MessageID: "wamid.1",
		})
		f.wantEqual("event", f.claimOne(at(time.Minute)).Work.Event, text("a", "lane"))
		f.wantEqual("state", f.state("lane"), store.Conversation{LastInboundAt: wrote})
	},

	"plans a reply again": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.advance(f.claimOne(at(0)), postpone(at(0), at(0), true))
		answered(f, "a", "lane")

		for i := range 2 {
			now := at(time.Duration(i+1) * time.Minute)
			resend(f, now, store.ReplyRef{
				Event:     id("a"),
				Part:      1,
				MessageID: "wamid.1",
			})
			lease := f.claimOne(now)
			f.wantEqual("event", lease.Work.Event, text("a", "lane"))
			f.wantEqual("attempts", lease.Work.Attempts, 1)
			f.wantEqual("starts", lease.Work.Starts, 1)

			want := answer()
			want[0].State = store.Sent
			want[0].MessageID = "wamid.0"
			want[1].State = store.Planned
			want[1].Resends = i + 1
			f.wantEqual("replies", lease.Work.Replies, want)
			f.wantEqual("finished", f.get(id("a")).FinishedAt, time.Time{})

			step := end(store.Done, now)
			step.Sent = &store.SentRef{Part: 1, MessageID: "wamid.1"}
			f.advance(lease, step)
		}

		f.wantEqual("stats", f.stats(at(0)), store.Stats{ActiveConversations: 1})
	},

	"replaces the body of the reply": func(f *fixture) {
		answered(f, "a", "lane")

		for i, body := range [][]byte{[]byte(`{"changed":true}`), nil} {
			now := at(time.Duration(i+1) * time.Minute)
			resend(f, now, store.ReplyRef{
				Event: id("a"),
				Part:  1,
				Body:  body,
			})
			lease := f.claimOne(now)
			f.wantEqual("body", string(lease.Work.Replies[1].Body), `{"changed":true}`)
			f.wantEqual("body of the other part", lease.Work.Replies[0].Body, answer()[0].Body)

			step := end(store.Done, now)
			step.Sent = &store.SentRef{Part: 1, MessageID: "wamid.1"}
			f.advance(lease, step)
		}
	},

	"adds the reason to the history": func(f *fixture) {
		answered(f, "a", "lane")

		reason := &store.Failure{
			At:    at(time.Minute),
			Class: "configuration",
			Code:  "131042",
			Text:  "no payment method",
		}
		resend(f, at(time.Minute), store.ReplyRef{
			Event:   id("a"),
			Part:    1,
			Failure: reason,
		})
		resend(f, at(2*time.Minute), store.ReplyRef{
			Event:   id("a"),
			Part:    1,
			Failure: reason,
		}) // planned already
		f.wantEqual("history", f.get(id("a")).Failures, []store.Failure{*reason})
		f.wantEqual("attempts", f.claimOne(at(time.Minute)).Work.Attempts, 0)
	},

	"is confirmed by a status of its own only": func(f *fixture) {
		answered(f, "a", "lane")
		resend(f, at(time.Minute), store.ReplyRef{Event: id("a"), Part: 1})
		lease := f.claimOne(at(time.Minute))
		f.advance(lease, store.Step{Now: at(time.Minute), Sending: new(1)})

		f.ingest(proof(id("a"), 1, "wamid.1", "sent", at(2*time.Minute)))
		f.wantEqual("reply after a status of the first send", f.get(id("a")).Replies[1].State, store.Sending)

		confirmed := proof(id("a"), 1, "wamid.2", "sent", at(3*time.Minute))
		confirmed.Status.ReplyResend = 1
		f.ingest(confirmed)

		reply := f.get(id("a")).Replies[1]
		f.wantEqual("reply after its own status", reply.State, store.Sent)
		f.wantEqual("message", reply.MessageID, "wamid.2")
	},

	"returns the event to its place in the lane": func(f *fixture) {
		answered(f, "a", "lane")
		f.ingest(text("b", "lane"), text("c", "lane"))
		held := f.claimOne(at(0))
		resend(f, at(time.Second), store.ReplyRef{Event: id("a"), Part: 1})
		f.wantEqual("claimed", f.claim(at(time.Second), 10), []store.Lease(nil))
		next := f.advance(held, end(store.Done, at(time.Second)))
		f.wantEqual("next", next.Event, text("a", "lane"))
		f.advance(store.Lease{LeaseRef: held.LeaseRef, Work: *next}, postpone(at(time.Second), at(time.Hour), true))
		resend(f, at(time.Minute), store.ReplyRef{Event: id("a"), Part: 0}) // pending already
		f.wantEqual("claimed", f.claim(at(time.Hour-1), 10), []store.Lease(nil))
		f.wantEqual("state", f.get(id("a")).Replies[0].State, store.Sent)
	},

	"ignores replies that cannot be resent": func(f *fixture) {
		answered(f, "a", "lane")
		makeDead(f, "dead")
		f.ingest(finished(text("skipped", ""), store.Skipped))

		for i, reply := range []store.ReplyRef{
			{
				Event:     id("a"),
				Part:      0,
				MessageID: "wamid.other",
			},
			{Event: id("a"), Part: 7},
			{Event: id("dead")},
			{Event: id("skipped")},
			{Event: id("unknown")},
		} {
			before := f.get(id("a"))
			resend(f, at(time.Duration(i)*time.Second), reply)
			f.wantEqual("record", f.get(id("a")), before)
		}

		purge(f, at(time.Hour), at(0), 100)
		resend(f, at(time.Hour), store.ReplyRef{Event: id("a"), Part: 0})
		f.wantEqual("claimed", f.claim(at(time.Hour), 10), []store.Lease(nil))
		f.wantEqual("state", f.get(id("a")).Event.State, store.Done)
	},
}
