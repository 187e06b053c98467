// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// known returns a message that contains another name of its person.
func known(e store.Event, alias string) store.Event {
	e.Aliases = []string{alias}
	return e
}

// naming returns an event that is not a message and contains another name of its person.
func naming(name, lane, alias string) store.Event {
	e := known(text(name, lane), alias)
	e.Kind = store.KindField

	return e
}

var namesTests = map[string]func(*fixture){
	"share one state": func(f *fixture) {
		f.ingest(known(text("a", "number"), "user"))
		f.work("user", human(at(time.Hour)))
		f.work("number", template(true))

		want := store.Conversation{
			LastInboundAt:    at(0),
			Takeover:         store.Takeover{Until: at(time.Hour)},
			TemplateRequired: true,
		}
		f.wantEqual("by number", f.conversation("number"), want)
		f.wantEqual("by user", f.conversation("user"), want)
		f.ingest(received(text("b", "user"), at(time.Hour)))
		want.LastInboundAt = at(time.Hour)
		want.TemplateRequired = false
		f.wantEqual("by number", f.conversation("number"), want)
		f.wantEqual("active", f.stats(at(time.Hour)).ActiveConversations, int64(1))
		f.wantEqual("humans", f.stats(at(0)).HumanConversations, int64(1))
	},

	"each clear a required template": func(f *fixture) {
		f.ingest(known(text("a", "number"), "user"))

		for i, name := range []string{"user", "number", "user"} {
			f.work("number", template(true))
			f.ingest(received(text(strconv.Itoa(i), name), at(time.Second)))
			f.wantEqual("required", f.conversation("number").TemplateRequired, false)
		}
	},

	"share one lane, in the order of arrival": func(f *fixture) {
		f.ingest(known(text("a", "number"), "user"), text("b", "user"), text("c", "number"))
		lease := f.claimOne(at(0))
		f.wantEqual("first", lease.Work.Event, text("a", "number")) // reads do not return the alias
		f.wantEqual("state", lease.Work.Conversation, store.Conversation{LastInboundAt: at(0)})
		lease.Work = *f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("second", lease.Work.Event, text("b", "number"))
		f.wantEqual("third", f.advance(lease, end(store.Done, at(0))).Event, text("c", "number"))
	},

	"join lanes with waiting events": func(f *fixture) {
		f.ingest(text("a", "user"), text("b", "number"), text("c", "user"))
		f.ingest(naming("d", "number", "user"))
		lease := f.claimOne(at(0))
		order := names([]store.Lease{lease}, "a", "b", "c", "d")

		for work := f.advance(lease, end(store.Done, at(0))); work != nil; work = f.advance(lease, end(store.Done, at(0))) {
			f.wantEqual("lane", work.Event.Lane, "number")

			lease.Work = *work
			order = append(order, names([]store.Lease{lease}, "a", "b", "c", "d")...)
		}

		f.wantEqual("order", order, []string{"a", "b", "c", "d"})
	},

	"join conversations, of which the AI's id of the newer counts": func(f *fixture) {
		f.ingest(text("a", "number"), received(text("b", "user"), at(time.Hour)))
		f.work("number", named("old"))
		f.work("user", named("new"))
		f.ingest(naming("c", "number", "user"))
		f.wantEqual("id", f.state("number").AIConversationID, "new")

		f.ingest(received(naming("d", "number", "nameless"), at(2*time.Hour)), received(text("e", "later"), at(3*time.Hour)))
		f.ingest(naming("f", "number", "later"))
		f.wantEqual("joined with others without an id", f.state("later").AIConversationID, "new")
	},

	"join a leased lane, which goes on": func(f *fixture) {
		f.ingest(text("a", "user"))
		lease := f.claimOne(at(0))
		f.ingest(known(text("b", "number"), "user"))
		f.wantEqual("claimed", f.claim(at(0), 10), []store.Lease(nil))

		next := f.advance(lease, end(store.Done, at(0)))
		f.wantEqual("next", next.Event, text("b", "user"))
	},

	"join two leased lanes, of which one goes on": func(f *fixture) {
		f.ingest(text("a", "user"), text("b", "number"))

		var kept, lost store.Lease
		for _, lease := range f.claim(at(0), 10) {
			if lease.Lane == "number" {
				kept = lease
			} else {
				lost = lease
			}
		}

		f.ingest(naming("c", "number", "user"))
		_, err := f.Advance(f.Context(), lost.LeaseRef, lost.Work.Event.ID, end(store.Done, at(0)))
		f.wantErr("Advance", err, store.ErrLeaseLost)

		missing, err := f.Renew(f.Context(), []store.LeaseRef{kept.LeaseRef, lost.LeaseRef}, at(leaseTime))
		f.wantErr("Renew", err, nil)
		f.wantEqual("lost", missing, []store.LeaseRef{lost.LeaseRef})
		f.wantEqual("claimed", f.claim(at(0), 10), []store.Lease(nil))
		f.wantEqual("next", f.advance(kept, end(store.Done, at(0))).Event, text("a", "number"))
	},

	"join lanes of which the earlier decides when both are due": func(f *fixture) {
		for _, c := range []struct{ number, user time.Duration }{{time.Minute, time.Hour}, {time.Hour, time.Minute}} {
			number, user := "number "+c.number.String(), "user "+c.user.String()
			f.ingest(text(number, number))
			f.advance(f.claimOne(at(0)), waitFor("bird", at(0), at(c.number)))
			f.ingest(text(user, user))
			f.advance(f.claimOne(at(0)), waitFor("app", at(0), at(c.user)))
			f.ingest(naming("join "+number, number, user))
			f.wantEqual("early", f.claim(at(time.Minute-time.Millisecond), 10), []store.Lease(nil))

			lease := f.claimOne(at(time.Minute))
			f.wantEqual("event", names([]store.Lease{lease}, number, user), []string{number})

			for work := &lease.Work; work != nil; lease.Work = *work {
				if work = f.advance(lease, end(store.Done, at(0))); work == nil {
					break
				}
			}
		}
	},

	"lead finished events to the lane that the person has now": func(f *fixture) {
		f.ingest(text("dead", "user"))
		f.advance(f.claimOne(at(0)), end(store.Dead, at(0)))
		answered(f, "answered", "user")
		f.ingest(naming("join", "number", "user"))
		f.advance(f.claimOne(at(0)), end(store.Done, at(0)))
		f.wantErr("Replay", f.Replay(f.Context(), id("dead"), at(0)), nil)
		resend(f, at(0), store.ReplyRef{Event: id("answered"), Part: 0})

		lease := f.claimOne(at(0))
		f.wantEqual("replayed", lease.Work.Event, text("dead", "number"))
		f.wantEqual("resent", f.advance(lease, end(store.Done, at(0))).Event, text("answered", "number"))
	},

	"are joined by an event that is stored finished": func(f *fixture) {
		f.ingest(text("a", "user"))

		e := known(finished(text("b", ""), store.Done), "user")
		e.Lane = "number"
		f.ingest(e)
		f.wantEqual("lane", f.claimOne(at(0)).Lane, "number")
	},

	"are not joined by a quarantined event": func(f *fixture) {
		e := known(finished(text("b", ""), store.Quarantined), "user")
		e.Lane = "number"
		f.ingest(e, text("a", "user"))
		f.wantEqual("lane", f.claimOne(at(0)).Lane, "user")
		f.wantEqual("state", f.conversation("number"), store.Conversation{})
	},

	"merge their states": func(f *fixture) {
		f.ingest(text("a", "number"), received(text("b", "user"), at(time.Hour)))
		f.work("number", human(at(3*time.Hour)))
		f.work("number", template(true))
		f.work("user", human(at(2*time.Hour)))
		f.ingest(known(finished(text("skipped", ""), store.Skipped), "user"))
		f.wantEqual("apart", f.conversation("user").Takeover.Until, at(2*time.Hour))
		f.ingest(naming("c", "number", "user"))

		want := store.Conversation{LastInboundAt: at(time.Hour), Takeover: store.Takeover{Until: at(3 * time.Hour)}}
		f.wantEqual("by number", f.conversation("number"), want)
		f.wantEqual("by user", f.conversation("user"), want)
	},

	"retain a required template": func(f *fixture) {
		f.ingest(text("a", "number"))
		f.work("number", template(true))
		f.ingest(naming("b", "number", "new number"))
		f.wantEqual("required", f.conversation("new number").TemplateRequired, true)
	},

	"join more names": func(f *fixture) {
		f.ingest(known(text("a", "1"), "2"), known(text("b", "3"), "4"), known(text("c", "2"), "3"), known(text("d", "4"), "5"))
		f.work("5", human(at(time.Hour)))

		for _, name := range []string{"1", "2", "3", "4", "5"} {
			f.wantEqual("state by "+name, f.conversation(name), store.Conversation{LastInboundAt: at(0), Takeover: store.Takeover{Until: at(time.Hour)}})
		}

		f.wantEqual("active", f.stats(at(0)).ActiveConversations, int64(1))
	},

	"are joined once": func(f *fixture) {
		f.ingest(known(text("a", "number"), "user"), known(text("b", "user"), "number"), known(text("c", "number"), "number"))
		f.work("number", store.Step{
			Now:      at(0),
			Takeover: &store.Takeover{Until: at(time.Hour)},
		})
		f.wantEqual("state", f.conversation("user"), store.Conversation{LastInboundAt: at(0), Takeover: store.Takeover{Until: at(time.Hour)}})
	},

	"are limited": func(f *fixture) {
		for i := range store.MaxNames + 2 {
			f.ingest(known(text(strconv.Itoa(i), "number"), "user "+strconv.Itoa(i)))
		}

		f.wantEqual("the last name within the limit", f.conversation("user "+strconv.Itoa(store.MaxNames-2)),
			store.Conversation{LastInboundAt: at(0)})
		f.wantEqual("one too many", f.conversation("user "+strconv.Itoa(store.MaxNames-1)), store.Conversation{})
	},

	"are purged together": func(f *fixture) {
		f.ingest(known(text("a", "number"), "user"))
		processAll(f, at(0))
		f.ingest(received(text("b", "user"), at(time.Hour)))
		purge(f, at(time.Minute), at(time.Minute), 100)
		f.wantEqual("by number", f.conversation("number"), store.Conversation{LastInboundAt: at(time.Hour)})
		purge(f, at(2*time.Hour), at(2*time.Hour), 100)
		f.wantEqual("while one is at work", f.conversation("number"), store.Conversation{LastInboundAt: at(time.Hour)})
		processAll(f, at(time.Hour))
		f.wantEqual("forgotten", purge(f, at(0), at(2*time.Hour), 100) > 0, true)
		f.wantEqual("by number", f.conversation("number"), store.Conversation{})
		f.wantEqual("by user", f.conversation("user"), store.Conversation{})
		f.ingest(received(text("c", "user"), at(3*time.Hour)))
		f.wantEqual("apart again", f.conversation("number"), store.Conversation{})
	},
}
