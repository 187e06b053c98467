// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// makeDead stores messages in one lane and makes them dead letters.
func makeDead(f *fixture, names ...string) {
	f.Helper()

	for _, name := range names {
		f.ingest(text(name, "lane"))

		step := postpone(at(0), time.Time{}, true)
		step.Outcome.State = store.Dead
		f.advance(f.claimOne(at(0)), step)
	}
}

func id(name string) store.ID { return store.NewID(store.KindMessage, name) }

var deadLetterTests = map[string]func(*fixture){
	"are listed by arrival": func(f *fixture) {
		makeDead(f, "c", "a", "b")
		f.ingest(text("pending", "lane"))

		var (
			after  int64
			listed []store.ID
		)
		for {
			page, err := f.DeadLetters(f.Context(), store.Selection{States: []store.State{store.Dead}}, after, 2)
			f.wantErr("DeadLetters", err, nil)

			if len(page) == 0 {
				break
			}

			for _, record := range page {
				listed = append(listed, record.Event.ID)
				f.wantEqual("record", &record, f.get(record.Event.ID))
			}

			after = page[len(page)-1].Seq
		}

		f.wantEqual("listed", listed, []store.ID{id("c"), id("a"), id("b")})
	},

	"are replayed without spent attempts": func(f *fixture) {
		makeDead(f, "a")
		failures := f.get(id("a")).Failures
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(time.Hour)), nil)
		f.wantEqual("claimed early", f.claim(at(time.Hour-time.Millisecond), 1), []store.Lease(nil))
		lease := f.claimOne(at(time.Hour))
		f.wantEqual("event", lease.Work.Event, text("a", "lane"))
		f.wantEqual("attempts", lease.Work.Attempts, 0)
		f.wantEqual("starts", lease.Work.Starts, 1)
		f.wantEqual("replays", lease.Work.Replays, 1)
		record := f.get(id("a"))
		f.wantEqual("finished", record.FinishedAt, time.Time{})
		f.wantEqual("failures", record.Failures, failures)
	},

	"get notes in their history": func(f *fixture) {
		makeDead(f, "a")
		f.ingest(text("b", "lane"))

		want := append(f.get(id("a")).Failures, store.Failure{
			At:    at(time.Minute),
			Class: "skipped",
			Code:  "revoked",
			Text:  "the person deleted the message",
		})
		step := end(store.Skipped, at(time.Minute))
		step.Note = &store.Note{Event: id("a"), Failure: want[len(want)-1]}
		f.advance(f.claimOne(at(0)), step)

		f.wantEqual("failures", f.get(id("a")).Failures, want)
		f.wantEqual("selected", f.selected(store.Selection{States: store.Replayable, Code: "revoked"}), []string{"a"})

		f.ingest(text("c", "lane"))

		step.Note = &store.Note{Event: id("unknown"), Failure: want[0]}
		f.advance(f.claimOne(at(0)), step)
		f.wantEqual("state", f.get(id("c")).Event.State, store.Skipped)
	},

	"count replays": func(f *fixture) {
		makeDead(f, "a")

		for want := 1; want <= 2; want++ {
			f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(0)), nil)
			lease := f.claimOne(at(0))
			f.wantEqual("replays", lease.Work.Replays, want)
			f.advance(lease, end(store.Dead, at(0)))
			f.wantEqual("replays", f.get(id("a")).Replays, want)
		}
	},

	"return to their place in the lane": func(f *fixture) {
		makeDead(f, "a")
		f.ingest(text("b", "lane"))
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(0)), nil)
		lease := f.claimOne(at(0))
		f.wantEqual("head", names([]store.Lease{lease}, "a", "b"), []string{"a"})
		lease.Work = *f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("next", names([]store.Lease{lease}, "a", "b"), []string{"b"})
	},

	"do not end a lease": func(f *fixture) {
		makeDead(f, "a")
		f.ingest(text("b", "lane"), text("c", "lane"))
		lease := f.claimOne(at(0))
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(time.Second)), nil)
		f.wantEqual("claimed", f.claim(at(2*time.Second), 10), []store.Lease(nil))
		lease.Work = *f.advance(lease, end(store.Done, at(2*time.Second)))
		f.wantEqual("state", f.get(id("b")).Event.State, store.Done)
		f.wantEqual("next", names([]store.Lease{lease}, "a", "b", "c"), []string{"a"})
	},

	"do not bring a retry forward": func(f *fixture) {
		makeDead(f, "a")
		f.ingest(text("b", "lane"))
		f.advance(f.claimOne(at(0)), postpone(at(0), at(time.Hour), true))
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(time.Second)), nil)
		f.wantEqual("claimed", f.claim(at(time.Hour-time.Millisecond), 10), []store.Lease(nil))
		f.wantEqual("head", names(f.claim(at(time.Hour), 10), "a", "b"), []string{"a"})
	},

	"keep the rest of an answer of which a part went out": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, store.Step{
			Now:     at(0),
			Answer:  answer(),
			Sent:    &store.SentRef{Part: 0, MessageID: "wamid.1"},
			Outcome: &store.Outcome{State: store.Dead},
		})
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(0)), nil)

		want := answer()
		want[0].State = store.Sent
		want[0].MessageID = "wamid.1"
		want[1].State = store.Planned
		f.wantEqual("replies", f.claimOne(at(0)).Work.Replies, want)
	},

	"ask again unless a part of the answer went out, or may have": func(f *fixture) {
		for name, c := range map[string]struct {
			fallback bool
			step     store.Step
			kept     int
		}{
			"planned":       {step: store.Step{Now: at(0)}},
			"unsent":        {step: store.Step{Now: at(0), Unsent: new(0)}},
			"sending":       {step: store.Step{Now: at(0), Sending: new(0)}, kept: 2},
			"sent":          {step: store.Step{Now: at(0), Sent: &store.SentRef{MessageID: "wamid"}}, kept: 2},
			"fallback sent": {fallback: true, step: store.Step{Now: at(0), Sent: &store.SentRef{MessageID: "wamid"}}},
		} {
			f.ingest(text(name, name))
			lease := f.claimOne(at(0))

			plan := store.Step{Now: at(0), Answer: answer()}
			for i := range plan.Answer {
				plan.Answer[i].Fallback = c.fallback
			}

			f.advance(lease, plan)
			f.advance(lease, c.step)
			f.advance(lease, end(store.Dead, at(0)))
			f.wantEqual(name+": fallback", f.get(id(name)).Replies[0].Fallback, c.fallback)
			f.wantErr("Replay", f.Replay(f.Context(), id(name), at(0)), nil)

			again := f.claimOne(at(0))
			f.wantEqual(name+": parts of the answer", len(again.Work.Replies), c.kept)
			f.advance(again, end(store.Done, at(0)))
		}
	},

	"are events of every state that can be replayed": func(f *fixture) {
		for _, state := range []store.State{store.Human, store.Expired} {
			f.ingest(text(string(state), "lane"))
			f.advance(f.claimOne(at(0)), end(state, at(0)))
		}

		quarantined := text(string(store.Quarantined), "lane")
		quarantined.State = store.Quarantined
		f.ingest(quarantined)
		f.wantEqual("quarantined", f.get(quarantined.ID).Event, quarantined)

		for _, state := range []store.State{store.Human, store.Expired, store.Quarantined} {
			f.wantErr("Replay", f.Replay(f.Context(), id(string(state)), at(0)), nil)
			lease := f.claimOne(at(0))
			f.wantEqual("event", lease.Work.Event, text(string(state), "lane"))
			f.wantEqual("replays", lease.Work.Replays, 1)
			f.advance(lease, end(store.Human, at(0)))
			f.wantErr("Discard", f.Discard(f.Context(), id(string(state)), at(0)), nil)
			f.wantErr("Replay", f.Replay(f.Context(), id(string(state)), at(0)), store.ErrNotFound)
		}

		f.wantEqual("quarantined", f.stats(at(0)).Quarantined, int64(0))
	},

	"leave the time of the person's last message": func(f *fixture) {
		want := store.Conversation{LastInboundAt: at(-72 * time.Hour)}
		f.ingest(sent(text("late", "lane"), want.LastInboundAt))
		f.advance(f.claimOne(at(0)), end(store.Dead, at(0)))
		f.wantErr("Replay", f.Replay(f.Context(), id("late"), at(0)), nil)
		f.wantEqual("after a replay", f.state("lane"), want)

		f.advance(f.claimOne(at(0)), end(store.Dead, at(0)))

		n, _, err := f.ReplaySelected(f.Context(), store.Selection{States: store.Replayable}, 0, at(0), 10)
		f.wantErr("ReplaySelected", err, nil)
		f.wantEqual("replayed", n, 1)
		f.wantEqual("after a replay of many", f.state("lane"), want)
	},

	"leave the time of a conversation that was purged unknown": func(f *fixture) {
		f.ingest(sent(text("late", "lane"), at(-72*time.Hour)))
		f.advance(f.claimOne(at(0)), end(store.Dead, at(0)))
		_, err := f.Purge(f.Context(), store.Expiry{Payloads: at(-48 * time.Hour), Events: at(-48 * time.Hour)}, 100)
		f.wantErr("Purge", err, nil)
		f.wantErr("Replay", f.Replay(f.Context(), id("late"), at(0)), nil)
		f.wantEqual("state", f.claimOne(at(0)).Work.Conversation, store.Conversation{})
	},

	"count as the person's message if they were quarantined": func(f *fixture) {
		quarantined := received(text("quarantined", "lane"), at(time.Hour))
		quarantined.State = store.Quarantined
		f.ingest(text("a", "lane"), quarantined)
		f.wantErr("Replay", f.Replay(f.Context(), quarantined.ID, at(2*time.Hour)), nil)
		f.wantEqual("state", f.state("lane"), store.Conversation{LastInboundAt: at(time.Hour)})
	},

	"are not replayed without their payload": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.advance(f.claimOne(at(0)), end(store.Human, at(0)))
		purge(f, at(time.Hour), at(0), 100)
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(time.Hour)), store.ErrNotFound)

		n, next, err := f.ReplaySelected(f.Context(), store.Selection{States: store.Replayable}, 0, at(time.Hour), 10)
		f.wantErr("ReplaySelected", err, nil)
		f.wantEqual("replayed", []int64{int64(n), next}, []int64{0, 0})
		f.wantErr("Discard", f.Discard(f.Context(), id("a"), at(time.Hour)), nil)
	},

	"outlive their conversation": func(f *fixture) {
		makeDead(f, "a")
		_, err := f.Purge(f.Context(), store.Expiry{Payloads: at(48 * time.Hour), Events: at(48 * time.Hour)}, 100)
		f.wantErr("Purge", err, nil)
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(48*time.Hour)), nil)
		f.wantEqual("event", f.claimOne(at(48*time.Hour)).Work.Event, text("a", "lane"))
	},

	"are discarded": func(f *fixture) {
		makeDead(f, "a")
		f.wantErr("Discard", f.Discard(f.Context(), id("a"), at(time.Hour)), nil)
		record := f.get(id("a"))
		f.wantEqual("state", record.Event.State, store.Discarded)
		f.wantEqual("finished", record.FinishedAt, at(time.Hour))
		page, err := f.DeadLetters(f.Context(), store.Selection{States: []store.State{store.Dead}}, 0, 10)
		f.wantErr("DeadLetters", err, nil)
		f.wantEqual("listed", page, []store.Record(nil))
		f.wantErr("Replay", f.Replay(f.Context(), id("a"), at(time.Hour)), store.ErrNotFound)
	},

	"are the only events to replay or discard": func(f *fixture) {
		f.ingest(text("pending", "lane"), finished(text("skipped", ""), store.Skipped))

		for _, name := range []string{"pending", "skipped", "unknown"} {
			f.wantErr("Replay "+name, f.Replay(f.Context(), id(name), at(0)), store.ErrNotFound)
			f.wantErr("Discard "+name, f.Discard(f.Context(), id(name), at(0)), store.ErrNotFound)
		}

		_, err := f.Get(f.Context(), id("unknown"))
		f.wantErr("Get", err, store.ErrNotFound)
	},
}
