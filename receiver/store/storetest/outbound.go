// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// outbound returns an outbound message in a conversation, posted at noon.
func outbound(name, lane string) store.Event {
	e := text(name, lane)
	e.Kind = store.KindOutbound

	return e
}

var outboundTests = map[string]func(*fixture){
	"is not inbound activity of the person": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.work("lane", template(true))
		f.ingest(received(outbound("b", "lane"), at(time.Hour)), sent(received(outbound("c", "lane"), at(time.Hour)), at(time.Hour)))

		want := store.Conversation{LastInboundAt: at(0), TemplateRequired: true}
		f.wantEqual("when it arrives", f.conversation("lane"), want)

		lease := f.claimOne(at(time.Hour))
		lease.Work = *f.advance(lease, end(store.Done, at(time.Hour)))
		f.advance(lease, end(store.Dead, at(time.Hour)))
		f.wantErr("Replay", f.Replay(f.Context(), id("b"), at(2*time.Hour)), nil)
		f.wantEqual("when it is replayed", f.conversation("lane"), want)
		f.wantEqual("active", f.stats(at(24*time.Hour+time.Minute)).ActiveConversations, int64(0))
	},

	"reaches a person who never wrote": func(f *fixture) {
		f.ingest(outbound("a", "lane"))
		f.wantEqual("state", f.state("lane"), store.Conversation{})
		f.wantEqual("stats", f.stats(at(0)), store.Stats{Pending: 1, OldestPending: at(0)})

		lease := f.claimOne(at(0))
		f.wantEqual("work", lease.Work, store.Work{
			Event:  outbound("a", "lane"),
			Seq:    lease.Work.Seq,
			Starts: 1,
		})
		f.advance(lease, start(at(0)))
		step := end(store.Done, at(0))
		step.Sent = &store.SentRef{MessageID: "wamid"}
		step.AIConversationID = new("thread")
		f.advance(lease, step)

		purge(f, at(0), at(0), 100)
		f.ingest(known(text("b", "user"), "lane"))
		f.wantEqual("when the person answers", f.state("user"), store.Conversation{LastInboundAt: at(0), AIConversationID: "thread"})
		f.wantHistory("history", f.history("user", 0, 10), "b", "a")
	},

	"counts what waits": func(f *fixture) {
		backlog := func(name string, limit int) int {
			n, err := f.Backlog(f.Context(), name, limit)
			f.wantErr("Backlog", err, nil)

			return n
		}

		f.ingest(text("a", "lane"), outbound("b", "lane"), outbound("other", "other"))
		f.ingest(known(outbound("c", "user"), "lane"), outbound("d", "user"))
		f.wantEqual("all", backlog("lane", 10), 3)
		f.wantEqual("by another name", backlog("user", 10), 3)
		f.wantEqual("up to the limit", backlog("lane", 2), 2)
		f.wantEqual("up to nothing", backlog("lane", 0), 0)
		f.wantEqual("of an unknown person", backlog("unknown", 10), 0)

		for _, lease := range f.claim(at(0), 10) {
			for work := &lease.Work; work != nil; {
				lease.Work = *work
				work = f.advance(lease, end(store.Done, at(0)))
			}
		}

		f.wantEqual("afterwards", backlog("lane", 10), 0)
	},

	"waits in the person's lane, in the order of arrival": func(f *fixture) {
		f.ingest(known(text("a", "number"), "user"), outbound("b", "user"), text("c", "number"), outbound("d", "number"))

		joining := outbound("e", "former")
		joining.Aliases = []string{"number"}
		f.ingest(text("f", "former"), joining)

		lease := f.claimOne(at(0))
		order := names([]store.Lease{lease}, "a")

		for work := f.advance(lease, end(store.Done, at(0))); work != nil; work = f.advance(lease, end(store.Done, at(0))) {
			lease.Work = *work
			order = append(order, names([]store.Lease{lease}, "b", "c", "d", "e", "f")...)
		}

		f.wantEqual("order", order, []string{"a", "b", "c", "d", "f", "e"})
	},

	"keeps its place between messages that are answered together": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"), outbound("c", "lane"), text("d", "lane"))
		lease := f.claimOne(at(0))
		f.wantEqual("behind", f.peek(lease, 10), []store.Event{text("b", "lane"), outbound("c", "lane"), text("d", "lane")})

		step := end(store.Done, at(0))
		step.Coalesced = []store.ID{id("b"), id("d")}
		lease.Work = *f.advance(lease, step)
		f.wantEqual("next", lease.Work.Event, outbound("c", "lane"))

		f.ingest(text("e", "lane"))
		f.wantEqual("behind it", f.peek(lease, 10), []store.Event{text("e", "lane")})
		f.wantEqual("after it", f.advance(lease, end(store.Done, at(0))).Event, text("e", "lane"))
	},
}
