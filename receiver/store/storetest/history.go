// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// history returns the history of a conversation.
func (f *fixture) history(name string, before int64, limit int) []store.Record {
	f.Helper()

	found, err := f.History(f.Context(), name, before, time.Time{}, limit)
	if err != nil {
		f.Fatalf("History: %v", err)
	}

	return found
}

// wantHistory checks of which events a history consists, by the names from which they were created.
func (f *fixture) wantHistory(what string, got []store.Record, want ...string) {
	f.Helper()

	var ids, wanted []store.ID
	for _, record := range got {
		ids = append(ids, record.Event.ID)
	}

	for _, name := range want {
		wanted = append(wanted, id(name))
	}

	f.wantEqual(what, ids, wanted)
}

var historyTests = map[string]func(*fixture){
	"lists messages and outbound messages, the newest first": func(f *fixture) {
		field := text("field", "lane")
		field.Kind = store.KindField
		arrived := text("arrived", "lane")
		arrived.State = store.Skipped
		notice := inClass(store.Notices, text("notice", "lane"))
		notice.Kind = store.KindNotice

		f.ingest(text("a", "lane"), field, text("other", "other"), outbound("b", "lane"), arrived, notice, text("c", "lane"))
		f.wantHistory("while pending", f.history("lane", 0, 10), "c", "b", "a")

		lease := f.claim(at(0), 1)[0]
		for range 2 {
			lease.Work = *f.advance(lease, end(store.Done, at(0)))
		}

		f.advance(lease, end(store.Skipped, at(0)))
		f.wantHistory("while one is pending", f.history("lane", 0, 10), "c", "b", "a")
		f.wantHistory("of another", f.history("other", 0, 10), "other")
		f.wantHistory("of an unknown person", f.history("unknown", 0, 10))
	},

	"continues before an event": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"), text("c", "lane"), text("d", "lane"))
		lease := f.claimOne(at(0))
		lease.Work = *f.advance(lease, end(store.Done, at(0)))
		f.advance(lease, end(store.Done, at(0)))

		page := f.history("lane", 0, 3)
		f.wantHistory("first page", page, "d", "c", "b")
		f.wantHistory("second page", f.history("lane", page[2].Seq, 3), "a")
		f.wantHistory("before the first", f.history("lane", f.get(id("a")).Seq, 3))
		f.wantHistory("nothing", f.history("lane", 0, 0))
	},

	"has the progress of each": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		step := transcribed("Hello")
		step.Answer = answer()
		f.advance(lease, step)
		f.advance(lease, postpone(at(0), at(0), true))
		lease = f.claimOne(at(0))
		f.advance(lease, store.Step{Now: at(0), Sent: &store.SentRef{MessageID: "wamid"}})

		want := *f.get(id("a"))
		want.Failures = nil
		f.wantEqual("while it is leased", f.history("lane", 0, 10), []store.Record{want})

		step = end(store.Dead, at(time.Minute))
		step.Outcome.Failure = &store.Failure{At: at(time.Minute), Class: "permanent"}
		f.advance(lease, step)

		want = *f.get(id("a"))
		want.Failures = nil
		f.wantEqual("afterwards", f.history("lane", 0, 10), []store.Record{want})

		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(time.Minute)), nil)

		want = *f.get(id("a"))
		want.Failures = nil
		f.wantEqual("after a replay", f.history("lane", 0, 10), []store.Record{want})
	},

	"finds what is stored under each name of the person": func(f *fixture) {
		f.ingest(text("a", "user"), text("b", "number"))
		processAll(f, at(0))
		f.ingest(text("c", "user"), naming("join", "number", "user"), outbound("d", "user"))
		f.ingest(known(text("e", "number"), "former"), text("f", "former"))

		for _, name := range []string{"number", "user", "former"} {
			f.wantHistory("by "+name, f.history(name, 0, 10), "f", "e", "d", "c", "b", "a")
			f.wantHistory("a page by "+name, f.history(name, f.get(id("e")).Seq, 3), "d", "c", "b")
		}

		processAll(f, at(0))
		f.wantHistory("afterwards", f.history("former", 0, 10), "f", "e", "d", "c", "b", "a")
		f.wantHistory("a page afterwards", f.history("former", f.get(id("e")).Seq, 3), "d", "c", "b")
	},

	"leaves out what was received before a time": func(f *fixture) {
		f.ingest(received(text("a", "lane"), at(0)))
		processAll(f, at(0))
		f.ingest(received(text("b", "lane"), at(time.Hour)), received(text("c", "lane"), at(time.Minute)))

		since := func(t time.Time, limit int) []store.Record {
			found, err := f.History(f.Context(), "lane", 0, t, limit)
			f.wantErr("History", err, nil)

			return found
		}

		for _, when := range []string{"while pending", "afterwards"} {
			f.wantHistory("all "+when, since(at(0), 10), "c", "b", "a")
			f.wantHistory("after the first "+when, since(at(time.Millisecond), 10), "c", "b")
			f.wantHistory("until the last "+when, since(at(time.Minute), 10), "c", "b")
			f.wantHistory("of two "+when, since(at(time.Hour), 2), "b")
			f.wantHistory("of the newest "+when, since(at(time.Hour), 1))
			f.wantHistory("none "+when, since(at(2*time.Hour), 10))

			processAll(f, at(time.Hour))
		}
	},

	"leaves out events whose payload was purged": func(f *fixture) {
		f.ingest(text("a", "lane"))
		processAll(f, at(0))
		f.ingest(text("b", "lane"))
		processAll(f, at(time.Hour))
		purge(f, at(time.Minute), at(0), 100)
		f.wantHistory("history", f.history("lane", 0, 10), "b")
	},
}
