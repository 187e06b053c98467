// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// echo returns an event that is finished when it arrives, with a takeover of a conversation.
func echo(name, lane string, takeover store.Takeover) store.Event {
	e := finished(text(name, ""), store.Done)
	e.Kind = store.KindField
	e.Lane = lane
	e.Takeover = &takeover

	return e
}

// colleague returns a takeover by a colleague for an hour.
func colleague(from time.Time) store.Takeover {
	return store.Takeover{
		By:    store.Colleague,
		Until: from.Add(time.Hour),
		At:    from,
	}
}

// start returns a step that starts to send the answer.
func start(now time.Time) store.Step {
	return store.Step{
		Now:     now,
		Answer:  answer(),
		Sending: new(0),
	}
}

// state returns the state of a conversation, which is zero if there is none.
func (f *fixture) state(name string) store.Conversation {
	f.Helper()

	c, err := f.Conversation(f.Context(), name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		f.Fatalf("Conversation: %v", err)
	}

	return c
}

var takeoverTests = map[string]func(*fixture){
	"starts at ingest, whatever the state of the event": func(f *fixture) {
		for i, state := range []store.State{store.Done, store.Skipped, store.Pending, store.Quarantined} {
			lane := "lane " + strconv.Itoa(i)
			e := echo(lane, lane, colleague(at(0)))
			e.State = state
			e.Class = store.Conversations
			f.ingest(e)

			want := store.Takeover{}
			if state != store.Quarantined {
				want = colleague(at(0))
			}

			f.wantEqual(string(state), f.state(lane).Takeover, want)
		}
	},

	"is stored with every field": func(f *fixture) {
		want := store.Takeover{
			By:    store.HandedOff,
			Until: at(time.Hour),
			At:    at(time.Millisecond),
			Event: id("a"),
		}
		f.ingest(text("a", "lane"), echo("echo", "lane", want))
		f.wantEqual("of the lane", f.state("lane"), store.Conversation{LastInboundAt: at(0), Takeover: want})
		f.wantEqual("with the work", f.claimOne(at(0)).Work.Conversation.Takeover, want)
	},

	"yields to a newer change only": func(f *fixture) {
		f.ingest(echo("new", "lane", colleague(at(time.Minute))), echo("old", "lane", store.Takeover{At: at(0)}))
		f.wantEqual("after an older change", f.state("lane").Takeover, colleague(at(time.Minute)))

		back := store.Takeover{At: at(2 * time.Minute)}
		f.ingest(echo("back", "lane", back))
		f.wantEqual("after a newer change", f.state("lane").Takeover, back)
		f.ingest(echo("back", "lane", colleague(at(time.Hour))))
		f.wantEqual("after a duplicate", f.state("lane").Takeover, back)
	},

	"by a spared holder stays while it lasts": func(f *fixture) {
		routed := func(from time.Time, by store.Holder, until time.Time) store.Takeover {
			return store.Takeover{By: by, Until: until, At: from, Preserves: store.Holders{store.Desk, store.Colleague}}
		}
		stored := func(t store.Takeover) store.Takeover {
			t.Preserves = store.Holders{}
			return t
		}

		f.ingest(echo("colleague", "lane", colleague(at(0))), echo("passed", "lane", routed(at(time.Minute), store.Assistant, time.Time{})))
		f.wantEqual("after a pass", f.state("lane").Takeover, colleague(at(0)))
		f.ingest(echo("taken", "lane", routed(at(time.Minute), store.OtherResponder, at(3*time.Hour))))
		f.wantEqual("after another responder's takeover", f.state("lane").Takeover, colleague(at(0)))

		taken := routed(at(time.Hour), store.OtherResponder, at(3*time.Hour))
		f.wantErr("TakeOver", f.TakeOver(f.Context(), "lane", taken, at(time.Hour)), nil)
		f.wantEqual("once it has ended", f.state("lane").Takeover, stored(taken))

		passed := routed(at(2*time.Hour), store.Assistant, time.Time{})
		f.ingest(echo("passed back", "lane", passed))
		f.wantEqual("after a pass by the other responder", f.state("lane").Takeover, stored(passed))
	},

	"is remembered after its end, so that an older one stays ignored": func(f *fixture) {
		f.ingest(echo("passed", "lane", store.Takeover{At: at(time.Hour)}))
		purge(f, at(time.Hour), at(time.Hour), 100)
		f.ingest(echo("taken", "lane", colleague(at(30*time.Minute))))
		f.wantEqual("takeover", f.state("lane").Takeover, store.Takeover{At: at(time.Hour)})

		f.wantEqual("purged", purge(f, at(0), at(time.Hour+time.Millisecond), 100) > 0, true)
		f.wantEqual("takeover after its retention", f.state("lane").Takeover, store.Takeover{})
	},

	"prevents sends": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.ingest(echo("echo", "lane", colleague(at(0))))

		before := f.get(id("a"))
		_, err := f.Advance(f.Context(), lease.LeaseRef, id("a"), start(at(time.Hour-time.Millisecond)))
		f.wantErr("Advance", err, store.ErrTakenOver)
		f.wantEqual("record", f.get(id("a")), before)

		f.advance(lease, start(at(time.Hour))) // it is over
		f.ingest(echo("again", "lane", colleague(at(2*time.Hour))))
		f.advance(lease, store.Step{Now: at(2 * time.Hour), Sent: &store.SentRef{MessageID: "wamid"}})
		_, err = f.Advance(f.Context(), lease.LeaseRef, id("a"), store.Step{Now: at(2 * time.Hour), Sending: new(1)})
		f.wantErr("Advance", err, store.ErrTakenOver)
		f.advance(lease, end(store.Human, at(2*time.Hour)))
	},

	"allows sends by the people": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.ingest(echo("echo", "lane", colleague(at(0))))

		step := start(at(0))
		step.ByDesk = true
		f.advance(lease, step)
		f.wantEqual("state of the part", f.get(id("a")).Replies[0].State, store.Sending)

		_, err := f.Advance(f.Context(), lease.LeaseRef, id("a"), store.Step{Now: at(0), Sending: new(1)})
		f.wantErr("Advance of the AI's part", err, store.ErrTakenOver)
	},

	"by a handoff does not prevent the send of its own answer": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"))
		lease := f.claimOne(at(0))
		step := store.Step{
			Now:    at(0),
			Answer: answer(),
			Takeover: &store.Takeover{
				By:    store.HandedOff,
				Until: at(time.Hour),
				At:    at(0),
				Event: id("a"),
			},
		}
		step.Sending = new(0) // by the state before the step
		f.advance(lease, step)
		f.advance(lease, store.Step{Now: at(0), Sending: new(1)})

		next := f.advance(lease, end(store.Done, at(0)))
		_, err := f.Advance(f.Context(), lease.LeaseRef, next.Event.ID, start(at(0)))
		f.wantErr("Advance", err, store.ErrTakenOver)
	},

	"makes a waiting lane due": func(f *fixture) {
		f.wait("a", "bird", at(time.Hour))
		f.ingest(received(echo("echo", "lane a", colleague(at(0))), at(time.Second)))
		f.wantEqual("waiting", f.claimWaiting("bird", at(0), 10), []store.Lease(nil))
		f.wantEqual("early", f.claim(at(time.Second-time.Millisecond), 10), []store.Lease(nil))

		lease := f.claimOne(at(time.Second))
		f.ingest(received(echo("while leased", "lane a", colleague(at(time.Second))), at(time.Second)))
		f.wantEqual("claimed", f.claim(at(time.Second), 10), []store.Lease(nil))
		f.advance(lease, end(store.Human, at(time.Second)))
		f.wantErr("TakeOver", f.TakeOver(f.Context(), "lane a", store.Takeover{At: at(time.Minute)}, at(time.Minute)), nil)
		f.wantEqual("idle", f.claim(at(time.Hour), 10), []store.Lease(nil))
	},

	"is changed by any name of the person": func(f *fixture) {
		f.ingest(known(text("a", "number"), "user"))
		f.advance(f.claimOne(at(0)), postpone(at(0), at(time.Hour), false))

		desk := store.Takeover{
			By:    store.Desk,
			Until: at(time.Hour),
			At:    at(time.Second),
		}
		f.wantErr("TakeOver", f.TakeOver(f.Context(), "user", desk, at(time.Minute)), nil)
		f.wantEqual("conversation", f.state("number").Takeover, desk)
		f.wantEqual("by the other name", f.state("user").Takeover, desk)
		f.wantEqual("early", f.claim(at(time.Minute-time.Millisecond), 10), []store.Lease(nil))
		f.claimOne(at(time.Minute))
		f.wantErr("older TakeOver", f.TakeOver(f.Context(), "user", store.Takeover{At: at(0)}, at(time.Minute)), nil)
		f.wantEqual("conversation", f.state("number").Takeover, desk)
		f.wantErr("TakeOver", f.TakeOver(f.Context(), "unknown", desk, at(0)), store.ErrNotFound)

		_, err := f.Conversation(f.Context(), "unknown")
		f.wantErr("Conversation", err, store.ErrNotFound)
	},

	"is listed by name while it lasts": func(f *fixture) {
		f.ingest(known(text("a", "a"), "another name of a"), text("free", "free"))

		for i, lane := range []string{"c", "a", "b"} {
			f.ingest(echo("echo "+lane, lane, colleague(at(time.Duration(i)*time.Minute))))
		}

		list := func(now time.Time, after string, limit int) (found []string) {
			page, err := f.TakenOver(f.Context(), now, after, limit)
			f.wantErr("TakenOver", err, nil)

			for _, c := range page {
				found = append(found, c.Name)
				f.wantEqual(c.Name, c.Conversation, f.state(c.Name))
			}

			return found
		}
		f.wantEqual("first page", list(at(0), "", 2), []string{"a", "b"})
		f.wantEqual("second page", list(at(0), "b", 2), []string{"c"})
		f.wantEqual("later", list(at(time.Hour), "", 10), []string{"a", "b"})
		f.wantEqual("at the end", list(at(3*time.Hour), "", 10), []string(nil))
		f.wantEqual("humans", f.stats(at(time.Hour)).HumanConversations, int64(2))
	},

	"of two names that are joined is the newer": func(f *fixture) {
		f.ingest(echo("a", "number", colleague(at(0))), echo("b", "user", colleague(at(time.Minute))))
		f.ingest(naming("c", "number", "user"))
		f.wantEqual("takeover", f.state("number").Takeover, colleague(at(time.Minute)))
	},
}
