// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func (f *fixture) erase(now time.Time, names ...string) int {
	f.Helper()

	ids := make([]store.ID, 0, len(names))
	for _, name := range names {
		ids = append(ids, id(name))
	}

	n, err := f.Erase(f.Context(), ids, now)
	if err != nil {
		f.Fatalf("Erase: %v", err)
	}

	return n
}

// wantErased checks that an event has an empty row in a state.
func (f *fixture) wantErased(name string, state store.State) {
	f.Helper()

	detail := f.detail(name)
	event := detail.Event

	if event.State != state || event.Lane != "" || event.Payload != nil || detail.Transcript != "" ||
		len(detail.Replies)+len(detail.Failures)+len(detail.Statuses) != 0 || detail.FinishedAt.IsZero() {
		f.Errorf("%s is %+v, want an empty row in state %s", name, detail, state)
	}
}

// foundNames returns the names of the events with one of the identifiers. It reads pages of up to limit events.
func (f *fixture) foundNames(identifiers store.Identifiers, limit int, among ...string) []string {
	f.Helper()

	var found []string

	f.eachFound(identifiers, limit, func(record store.FoundRecord) {
		i := slices.IndexFunc(among, func(name string) bool { return id(name) == record.Event.ID })
		if i < 0 {
			f.Fatalf("FindByIdentifiers returned an unknown event %+v", record)
		}

		if record.OnlyEncrypted {
			f.Errorf("%s has no encrypted payload", among[i])
		}

		found = append(found, among[i])
	})

	return found
}

// eachFound calls a function with each event that has one of the identifiers. It reads pages of up to limit events.
func (f *fixture) eachFound(identifiers store.Identifiers, limit int, do func(store.FoundRecord)) {
	f.Helper()

	for after := int64(0); ; {
		records, next, err := f.FindByIdentifiers(f.Context(), identifiers, after, limit)
		if err != nil {
			f.Fatalf("FindByIdentifiers: %v", err)
		}

		for _, record := range records {
			do(record)
		}

		if next == 0 {
			return
		}

		after = next
	}
}

// answerWith answers the head of a lane by one message, and ends it.
func (f *fixture) answerWith(lease store.Lease, messageID string) {
	f.Helper()
	f.advance(lease, store.Step{
		Now:        at(0),
		Transcript: new("spoken"),
		Answer:     []store.Reply{{Type: "text", Body: []byte(`{"text":"answer"}`)}},
		Sending:    new(0),
	})
	f.advance(lease, store.Step{
		Now:  at(0),
		Sent: &store.SentRef{MessageID: messageID},
		Outcome: &store.Outcome{State: store.Done, Failure: &store.Failure{
			At:    at(0),
			Class: "note",
			Text:  "text",
		}},
	})
}

var eraseTests = map[string]func(*fixture){
	"leaves an empty row that keeps a redelivery out": func(f *fixture) {
		f.ingest(text("done", "lane"))
		f.answerWith(f.claimOne(at(0)), "wamid.0")
		f.ingest(status("wamid.0", "", "", "delivered", 2), text("other", "other"))

		if n := f.erase(at(time.Minute), "done", "unknown"); n != 1 {
			f.Errorf("erased %d events, want 1", n)
		}

		f.wantErased("done", store.Done)

		if fresh := f.ingest(text("done", "lane")); fresh[0] {
			f.Error("a redelivery of an erased event is stored again")
		}

		f.wantErased("done", store.Done)

		_, err := f.MessageStatus(f.Context(), "1065", "wamid.0", "")
		f.wantErr("MessageStatus", err, store.ErrNotFound)

		if n := f.erase(at(time.Minute), "done"); n != 0 {
			f.Errorf("erased %d events again, want none", n)
		}

		f.wantEqual("history", f.history("lane", 0, 10), []store.Record(nil))
		f.wantEqual("other event", f.get(id("other")).Event.Lane, "other")
	},
	"discards what is pending or was not answered": func(f *fixture) {
		makeDead(f, "dead")
		f.ingest(text("one", "lane"), text("two", "lane"), inClass(store.Notices, text("notice", "desk:lane")))
		quarantined := text("quarantined", "lane")
		quarantined.State = store.Quarantined
		f.ingest(quarantined)

		f.erase(at(time.Minute), "dead", "one", "two", "notice", "quarantined")

		for _, name := range []string{"dead", "one", "two", "notice", "quarantined"} {
			f.wantErased(name, store.Discarded)
		}

		f.wantEqual("stats", f.stats(at(0)), store.Stats{ActiveConversations: 1})

		for _, class := range []store.Class{store.Conversations, store.Notices} {
			if leases := f.claimClass(class, at(time.Hour), 10); len(leases) != 0 {
				f.Errorf("claimed %+v, want nothing left to do", leases)
			}
		}

		f.wantErr("Replay", f.Replay(f.Context(), id("dead"), at(0)), store.ErrNotFound)
		f.wantErr("Forget", f.Forget(f.Context(), "lane"), nil)
	},
	"leaves the other events of a lane": func(f *fixture) {
		f.ingest(inClass(store.Statuses, text("one", "shared")), inClass(store.Statuses, text("two", "shared")))
		lease := f.claimOneOf(store.Statuses, at(0))
		f.advance(lease, postpone(at(0), at(time.Hour), true))

		f.erase(at(time.Minute), "one")

		if next := f.claimOneOf(store.Statuses, at(time.Minute)); next.Work.Event.ID != id("two") || next.Work.Starts != 1 {
			f.Errorf("claimed %+v, want the next event at once", next.Work)
		}
	},
	"refuses while an event is processed": func(f *fixture) {
		f.ingest(text("head", "lane"), text("next", "lane"), inClass(store.Statuses, text("status", "shared")), inClass(store.Statuses, text("other", "shared")))
		head := f.claimOne(at(0))
		f.claimOneOf(store.Statuses, at(0))

		for _, name := range []string{"head", "next", "status"} {
			_, err := f.Erase(f.Context(), []store.ID{id("unknown"), id(name)}, at(0))
			f.wantErr("Erase of "+name, err, store.ErrInProgress)
			f.wantEqual("state", f.get(id(name)).Event.State, store.Pending)
		}

		stats := f.stats(at(0))
		if stats.Pending != 2 || stats.PendingStatuses != 2 {
			f.Errorf("the statistics are %+v after a refusal, want 2 pending of each", stats)
		}

		f.erase(at(0), "other")
		f.wantErr("Forget", f.Forget(f.Context(), "lane"), store.ErrInProgress)
		f.advance(head, end(store.Done, at(0)))
		f.wantErr("Forget", f.Forget(f.Context(), "lane"), store.ErrInProgress)

		_, err := f.Erase(f.Context(), []store.ID{id("next")}, at(0))
		f.wantErr("Erase of the next head", err, store.ErrInProgress)
		f.wantErr("Release", f.Release(f.Context(), head.LeaseRef, at(0)), nil)
		f.wantErr("Forget", f.Forget(f.Context(), "lane"), store.ErrInProgress)
		f.erase(at(0), "head", "next")
		f.wantErr("Forget", f.Forget(f.Context(), "lane"), nil)
	},
	"forgets all names": func(f *fixture) {
		joined := text("message", "user")
		joined.Aliases = []string{"number", "parent"}
		joined.State = store.Done
		joined.Takeover = &store.Takeover{
			By:    store.Desk,
			Until: at(time.Hour),
			At:    at(0),
		}
		joined.SentAt = at(0)
		f.ingest(joined, text("other", "other"))

		found, err := f.Names(f.Context(), "parent")
		f.wantErr("Names", err, nil)

		lane, err := f.Lane(f.Context(), "parent")
		f.wantErr("Lane", err, nil)
		f.wantEqual("first name", found[0], lane)
		slices.Sort(found)
		f.wantEqual("names", found, []string{"number", "parent", "user"})

		f.wantErr("Forget", f.Forget(f.Context(), "number"), nil)

		for _, name := range []string{"number", "parent", "user"} {
			_, err := f.Conversation(f.Context(), name)
			f.wantErr("Conversation", err, store.ErrNotFound)

			found, err := f.Names(f.Context(), name)
			f.wantErr("Names", err, nil)
			f.wantEqual("names", found, []string{name})
		}

		_, err = f.Conversation(f.Context(), "other")
		f.wantErr("Conversation of another", err, nil)
		f.wantErr("Forget", f.Forget(f.Context(), "unknown"), nil)
	},
	"finds events by lanes, texts and statuses": func(f *fixture) {
		about := finished(text("about", ""), store.Skipped)
		about.Payload = []byte(`{"wa_id":"573001234567"}`)
		quoting := text("quoting", "other")
		quoting.Payload = []byte(`{"wa_id":"57300123456"}`)
		desk := inClass(store.Notices, text("desk", "desk:lane"))
		tick := func(name, message, participant string) store.Event {
			e := status(message, participant, "", "read", 3)
			e.ID = id(name)

			return e
		}

		f.ingest(text("first", "lane"), about, quoting, desk, tick("group", "wamid.1", "573001234567"),
			tick("by id", "wamid.HBgMNTczMDAxMjM0NTY3FQ", ""), tick("of another", "wamid.HBgMOTk5", ""), text("last", "alias"))

		identifiers := store.Identifiers{
			Lanes:        []string{"lane", "alias", "desk:lane"},
			Texts:        []string{"573001234567", "CO.99"},
			Participants: []string{"573001234567"},
			MessageIDs:   []string{"NTczMDAxMjM0NTY3"},
		}

		for _, limit := range []int{1, 2, 100} {
			got := f.foundNames(identifiers, limit, "first", "about", "quoting", "desk", "group", "by id", "of another", "last")
			f.wantEqual("found events", got, []string{"first", "about", "desk", "group", "by id", "last"})
		}

		f.wantEqual("events found without an identifier", f.foundNames(store.Identifiers{}, 10), []string(nil))
	},
	"finds encrypted payloads, and says which have an identifier": func(f *fixture) {
		sealed := func(name, lane string) store.Event {
			e := text(name, lane)
			e.Payload = []byte("\x01" + name)

			return e
		}
		tick := status("wamid.1", "573001234567", "", "read", 3)
		tick.ID = id("tick")
		tick.Payload = []byte("\x01tick")

		names := []string{"sealed", "own", "clear", "named", "other", "tick", "last"}
		readable := finished(text("clear", ""), store.Skipped)
		readable.Payload = []byte(`{"wa_id":"573001234567"}`)
		named := sealed("named", "other")
		named.Payload = []byte("\x01 573001234567")

		f.ingest(sealed("sealed", "other"), sealed("own", "lane"), readable, named, text("other", "other"), tick, sealed("last", "other"))

		identifiers := store.Identifiers{
			Lanes:        []string{"lane"},
			Texts:        []string{"573001234567"},
			Participants: []string{"573001234567"},
			Encrypted:    true,
		}
		want := map[string]bool{"own": false, "clear": false, "named": false, "tick": false}

		if !f.encrypts { // else the store knows that these do not name the person
			want["sealed"] = true
			want["last"] = true
		}

		for _, limit := range []int{1, 2, 100} {
			got := map[string]bool{}

			f.eachFound(identifiers, limit, func(r store.FoundRecord) {
				i := slices.IndexFunc(names, func(name string) bool { return id(name) == r.Event.ID })
				got[names[i]] = r.OnlyEncrypted
			})
			f.wantEqual("found events, and whether only for their encryption", got, want)
		}
	},
	"erases what random work has left of a person, and nothing of another": func(f *fixture) {
		rapid.Check(f.T, func(t *rapid.T) { f.eraseAfterWork(t) })
	},
}
