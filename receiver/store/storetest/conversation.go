// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// conversation returns the state of the conversation with a person, as returned with a status for a lane.
func (f *fixture) conversation(lane string) store.Conversation {
	f.Helper()
	return f.work(lane, store.Step{Now: at(0)})
}

// work changes the state of a conversation in a step on a status for a lane. It returns the previous state.
func (f *fixture) work(lane string, step store.Step) store.Conversation {
	f.Helper()

	probe := inClass(store.Statuses, text("probe", lane))
	f.probes++
	probe.ID = store.NewID(store.KindStatus, "probe", strconv.Itoa(f.probes))
	probe.Kind = store.KindStatus
	f.ingest(probe)
	lease := f.claimOneOf(store.Statuses, at(0))
	step.Outcome = &store.Outcome{State: store.Done}
	f.advance(lease, step)

	return lease.Work.Conversation
}

// human starts human mode, or ends it at the zero time.
func human(until time.Time) store.Step {
	return store.Step{Now: at(0), Takeover: &store.Takeover{Until: until}}
}

// named returns a step that records the id that the AI gave the conversation.
func named(id string) store.Step { return store.Step{Now: at(0), AIConversationID: &id} }

func template(required bool) store.Step { return store.Step{Now: at(0), TemplateRequired: &required} }

var conversationTests = map[string]func(*fixture){
	"starts with the first message": func(f *fixture) {
		f.wantEqual("before", f.conversation("lane"), store.Conversation{})
		f.ingest(text("a", "lane"), text("x", "other"))
		f.wantEqual("after", f.conversation("lane"), store.Conversation{LastInboundAt: at(0)})
	},

	"has the time of the newest message, accurate to a minute": func(f *fixture) {
		for i := range 10 {
			now := at(time.Duration(i) * 25 * time.Second)
			f.ingest(received(text(now.String(), "lane"), now))

			if lag := now.Sub(f.conversation("lane").LastInboundAt); lag < 0 || lag >= time.Minute {
				f.Errorf("the last message of %v is known as %v earlier", now, lag)
			}
		}

		late := f.conversation("lane")
		f.ingest(received(text("late", "lane"), at(-time.Hour)))
		f.wantEqual("after a late one", f.conversation("lane"), late)
	},

	"counts from when the person wrote": func(f *fixture) {
		f.ingest(sent(text("a", "lane"), at(-3*time.Hour)))
		f.wantEqual("state", f.conversation("lane"), store.Conversation{LastInboundAt: at(-3 * time.Hour)})

		f.work("lane", template(true))
		f.ingest(sent(text("earlier", "lane"), at(-4*time.Hour)))
		f.wantEqual("after an earlier message", f.conversation("lane"),
			store.Conversation{LastInboundAt: at(-3 * time.Hour), TemplateRequired: true})

		f.ingest(sent(text("later", "lane"), at(-2*time.Hour)))
		f.wantEqual("after a later message", f.conversation("lane"), store.Conversation{LastInboundAt: at(-2 * time.Hour)})
	},

	"counts a call like a message": func(f *fixture) {
		call := func(name, lane string, state store.State, when time.Time) store.Event {
			event := sent(text(name, lane), when)
			event.Kind = store.KindField
			event.State = state

			return event
		}

		f.ingest(text("a", "lane"))
		f.work("lane", template(true))

		named := call("call", "lane", store.Skipped, at(time.Hour))
		named.ReceivedAt = at(time.Hour)
		named.Aliases = []string{"alias"}
		f.ingest(named)
		f.wantEqual("after a call", f.conversation("alias"), store.Conversation{LastInboundAt: at(time.Hour)})

		f.ingest(call("foreign", "lane", store.Quarantined, at(2*time.Hour)), call("older", "lane", store.Skipped, at(0)))
		f.wantEqual("after others", f.conversation("lane"), store.Conversation{LastInboundAt: at(time.Hour)})

		f.ingest(call("first", "new", store.Skipped, at(time.Hour)))
		f.wantEqual("without a message", f.conversation("new"), store.Conversation{LastInboundAt: at(time.Hour)})
	},

	"ignores events that are not messages of the person": func(f *fixture) {
		echo := received(text("echo", "lane"), at(time.Hour))
		echo.Kind = store.KindField
		skipped := received(finished(text("skipped", ""), store.Skipped), at(time.Hour))
		f.ingest(text("a", "lane"), echo, skipped, inClass(store.Notices, received(text("b", "lane"), at(time.Hour))))
		f.wantEqual("state", f.conversation("lane"), store.Conversation{LastInboundAt: at(0)})
	},

	"is returned with each leased event": func(f *fixture) {
		f.ingest(text("a", "lane"), text("b", "lane"))
		lease := f.claimOne(at(0))
		f.wantEqual("first", lease.Work.Conversation, store.Conversation{LastInboundAt: at(0)})
		step := human(at(time.Hour))
		step.TemplateRequired = new(true)
		step.Outcome = &store.Outcome{State: store.Done}
		want := store.Conversation{
			LastInboundAt:    at(0),
			Takeover:         store.Takeover{Until: at(time.Hour)},
			TemplateRequired: true,
		}
		lease.Work = *f.advance(lease, step)
		f.wantEqual("next", lease.Work.Conversation, want)
		f.advance(lease, postpone(at(0), at(0), false))
		f.wantEqual("again", f.claimOne(at(0)).Work.Conversation, want)
	},

	"enters and leaves human mode": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.work("lane", human(at(time.Hour)))
		f.wantEqual("humans", f.stats(at(0)).HumanConversations, int64(1))
		f.wantEqual("humans later", f.stats(at(time.Hour)).HumanConversations, int64(0))
		f.ingest(received(text("b", "lane"), at(time.Minute)))
		f.wantEqual("human", f.work("lane", human(time.Time{})),
			store.Conversation{LastInboundAt: at(time.Minute), Takeover: store.Takeover{Until: at(time.Hour)}})
		f.wantEqual("back", f.conversation("lane"), store.Conversation{LastInboundAt: at(time.Minute)})
		f.wantEqual("humans", f.stats(at(0)).HumanConversations, int64(0))
	},

	"requires a template until the person writes": func(f *fixture) {
		f.ingest(text("a", "lane"))
		f.work("lane", template(true))

		echo := received(text("echo", "lane"), at(time.Second))
		echo.Kind = store.KindField
		f.ingest(echo, text("a", "lane"))
		f.wantEqual("required", f.conversation("lane").TemplateRequired, true)
		f.ingest(received(text("b", "lane"), at(time.Second)))
		f.wantEqual("required", f.conversation("lane").TemplateRequired, false)
		f.work("lane", template(true))
		f.work("lane", template(false))
		f.wantEqual("required", f.conversation("lane").TemplateRequired, false)
	},

	"requires a template in the conversation that a step names": func(f *fixture) {
		joined := text("b", "other")
		joined.Aliases = []string{"alias"}
		f.ingest(text("a", "lane"), joined)

		step := template(true)
		step.TemplateRequiredIn = "alias"
		f.work("lane", step)
		f.wantEqual("of the lane", f.conversation("lane").TemplateRequired, false)
		f.wantEqual("of the named one", f.conversation("other").TemplateRequired, true)

		step.TemplateRequiredIn = "unknown"
		f.work("lane", step)
		f.wantEqual("of an unknown one", f.conversation("unknown"), store.Conversation{TemplateRequired: true})
	},

	"is taken over in the conversation that a step names": func(f *fixture) {
		joined := text("b", "other")
		joined.Aliases = []string{"alias"}
		f.ingest(text("a", "lane"), joined)

		step := human(at(time.Hour))
		step.TakeoverIn = "alias"
		f.work("lane", step)
		f.wantEqual("of the lane", f.conversation("lane").Takeover, store.Takeover{})
		f.wantEqual("of the named one", f.conversation("other").Takeover, store.Takeover{Until: at(time.Hour)})

		step.TakeoverIn = "unknown"
		f.work("lane", step)
		f.wantEqual("of an unknown one", f.conversation("unknown"), store.Conversation{Takeover: store.Takeover{Until: at(time.Hour)}})
	},

	"is stored under one of the person's names": func(f *fixture) {
		joined := text("a", "lane")
		joined.Aliases = []string{"alias"}
		f.ingest(joined)

		for name, want := range map[string]string{"lane": "lane", "alias": "lane", "unknown": "unknown"} {
			lane, err := f.Lane(f.Context(), name)
			f.wantErr("Lane", err, nil)
			f.wantEqual("lane of "+name, lane, want)
		}
	},

	"keeps the id that the AI gave it": func(f *fixture) {
		f.ingest(known(text("a", "lane"), "alias"), text("b", "lane"))
		lease := f.claimOne(at(0))
		f.wantEqual("before", lease.Work.Conversation.AIConversationID, "")

		f.advance(lease, named("thread-1"))
		f.wantEqual("by another name", f.state("alias"), store.Conversation{LastInboundAt: at(0), AIConversationID: "thread-1"})
		f.wantEqual("next", f.advance(lease, end(store.Done, at(0))).Conversation.AIConversationID, "thread-1")

		f.ingest(received(text("c", "lane"), at(time.Hour)))
		f.wantEqual("after a message", f.work("alias", named("thread-2")).AIConversationID, "thread-1")
		f.wantEqual("changed by a status", f.state("lane").AIConversationID, "thread-2")

		f.work("alias", named(""))
		f.wantEqual("removed", f.state("lane"), store.Conversation{LastInboundAt: at(time.Hour)})

		f.work("unknown", named("thread-3"))
		f.wantEqual("of an unknown person", f.state("unknown"), store.Conversation{AIConversationID: "thread-3"})

		f.ingest(naming("join", "further", "unknown"))
		processAll(f, at(0))
		purge(f, at(0), at(0), 100)
		f.wantEqual("within its retention", f.state("further"), store.Conversation{AIConversationID: "thread-3"})
		purge(f, at(0), at(time.Hour), 100)
		f.wantEqual("purged", f.state("unknown"), store.Conversation{})
	},

	"refuses a long id of the AI": func(f *fixture) {
		f.ingest(text("a", "lane"))
		lease := f.claimOne(at(0))
		f.advance(lease, named(strings.Repeat("x", store.MaxAIConversationID)))

		_, err := f.Advance(f.Context(), lease.LeaseRef, id("a"), named(strings.Repeat("x", store.MaxAIConversationID+1)))
		if err == nil || !strings.Contains(err.Error(), "257 bytes") {
			f.Errorf("Advance returned %v, want the size", err)
		}
	},

	"can have a state before the person writes": func(f *fixture) {
		f.work("lane", human(at(time.Hour)))
		f.work("lane", template(true))
		f.wantEqual("state", f.conversation("lane"), store.Conversation{Takeover: store.Takeover{Until: at(time.Hour)}, TemplateRequired: true})
		f.ingest(text("a", "lane"))
		f.wantEqual("state", f.claimOne(at(0)).Work.Conversation,
			store.Conversation{LastInboundAt: at(0), Takeover: store.Takeover{Until: at(time.Hour)}})
	},

	"is not purged in human mode": func(f *fixture) {
		f.ingest(text("a", "lane"))
		processAll(f, at(0))
		f.work("lane", human(at(48*time.Hour)))
		purge(f, at(24*time.Hour), at(24*time.Hour), 100)
		f.wantEqual("state", f.conversation("lane").Takeover.Until, at(48*time.Hour))
		purge(f, at(49*time.Hour), at(49*time.Hour), 100)
		f.wantEqual("state", f.conversation("lane"), store.Conversation{})
	},
}
