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

// naming returns an event that is no message and contains another name of its person.
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

	"stay separate lanes": func(f *fixture) {
		f.ingest(known(text("a", "number"), "user"), text("b", "user"))
		leases := f.claim(at(0), 10)
		f.wantEqual("lanes", len(leases), 2)

		for _, lease := range leases {
			f.wantEqual("state", lease.Work.Conversation, store.Conversation{LastInboundAt: at(0)})
		}

		event := f.get(id("a")).Event
		f.wantEqual("event", event, text("a", "number")) // reads do not return the alias
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
