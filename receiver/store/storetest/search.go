// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// search returns all pages of a search, as one list, and the number of pages.
func (f *fixture) search(search store.Search, limit int) (ids []store.ID, pages int) {
	f.Helper()

	for before := int64(0); ; pages++ {
		page, err := f.Search(f.Context(), search, before, limit)
		if err != nil {
			f.Fatalf("Search: %v", err)
		}

		if len(page.Records) > limit || before != 0 && page.SearchedTo >= before {
			f.Fatalf("a page before %d of at most %d events has %d and was searched to %d", before, limit, len(page.Records), page.SearchedTo)
		}

		for _, record := range page.Records {
			if record.Event.Payload != nil || record.Replies != nil {
				f.Errorf("a search returned the content of event %s", record.Event.ID)
			}

			ids = append(ids, record.Event.ID)
		}

		if !page.More {
			return ids, pages + 1
		}

		before = page.SearchedTo
	}
}

// wantSearch checks which events a search finds, by the names from which they were created.
func (f *fixture) wantSearch(search store.Search, want ...string) {
	f.Helper()

	var wanted []store.ID
	for _, name := range want {
		wanted = append(wanted, id(name))
	}

	for _, limit := range []int{1, 2, 100} {
		got, _ := f.search(search, limit)
		f.wantEqual(fmt.Sprintf("%+v, %d a page", search, limit), got, wanted)
	}
}

var searchTests = map[string]func(*fixture){
	"finds events by each property, the newest first": func(f *fixture) {
		image := received(text("image", "here"), at(time.Minute))
		image.Type = "image"
		other := received(text("other", "other"), at(2*time.Minute))
		other.PhoneNumberID = "2"
		field := received(finished(text("field", ""), store.Skipped), at(3*time.Minute))
		field.Kind = store.KindField

		makeDead(f, "dead")
		f.ingest(text("first", "here"), image, other, field)

		f.wantSearch(store.Search{}, "field", "other", "image", "first", "dead")
		f.wantSearch(store.Search{Kind: store.KindField}, "field")
		f.wantSearch(store.Search{Type: "image"}, "image")
		f.wantSearch(store.Search{States: []store.State{store.Pending}}, "other", "image", "first")
		f.wantSearch(store.Search{States: []store.State{store.Pending, store.Dead}}, "other", "image", "first", "dead")
		f.wantSearch(store.Search{States: []store.State{store.Dead, store.Human}}, "dead")
		f.wantSearch(store.Search{PhoneNumberID: "2"}, "other")
		f.wantSearch(store.Search{ReceivedAfter: at(0), ReceivedBefore: at(3 * time.Minute)}, "other", "image")
		f.wantSearch(store.Search{Conversation: "here"}, "image", "first")
		f.wantSearch(store.Search{Conversation: "here", States: []store.State{store.Dead}})
		f.wantSearch(store.Search{Conversation: "unknown"})
	},
	"finds events that were not answered by the code of the last failure": func(f *fixture) {
		f.ingest(text("dead", "lane"), text("retried", "other"))

		for _, lease := range f.claim(at(0), 2) {
			step := postpone(at(0), at(time.Hour), true)
			if lease.Work.Event.ID == id("dead") {
				step.Outcome.State = store.Dead
			}

			f.advance(lease, step)
		}

		f.wantSearch(store.Search{Code: "http_503"}, "dead")
		f.wantSearch(store.Search{Code: "http_503", States: []store.State{store.Human}})
		f.wantSearch(store.Search{Code: "http_400"})

		page, err := f.Search(f.Context(), store.Search{}, 0, 10)
		if err != nil || len(page.Records) != 2 || len(page.Records[0].Failures) != 1 {
			f.Errorf("Search returned %+v, %v, want both events with their failures", page, err)
		}
	},
	"finds the events of all names of a person": func(f *fixture) {
		number := finished(text("by number", ""), store.Done)
		number.Lane = "number"
		joined := text("by user id", "user")
		joined.Aliases = []string{"number"}
		f.ingest(number, joined, text("other", "other"))

		for _, name := range []string{"number", "user"} {
			f.wantSearch(store.Search{Conversation: name}, "by user id", "by number")
		}
	},
	"looks at a bounded number of events": func(f *fixture) {
		f.ingest(text("old", "lane"))

		for i := range 30 {
			f.ingest(received(text(fmt.Sprint(i), "other"), at(time.Minute)))
		}

		search := store.Search{Conversation: "lane", Budget: 10}

		found, pages := f.search(search, 5)
		if len(found) != 1 || pages != 4 {
			f.Errorf("found %d events in %d pages, want 1 in 4", len(found), pages)
		}

		page, err := f.Search(f.Context(), search, 0, 5)
		if err != nil || !page.More || page.SearchedTo == 0 || !page.SearchedAt.Equal(at(time.Minute)) {
			f.Errorf("Search returned %+v, %v, want how far it looked", page, err)
		}
	},
	"returns nothing of an empty store": func(f *fixture) {
		page, err := f.Search(f.Context(), store.Search{States: []store.State{store.Dead}}, 0, 10)
		f.wantErr("Search", err, nil)
		f.wantEqual("page", page, store.Page{})
	},
	"finds what a filter of all events would find": func(f *fixture) {
		var all []store.Event

		f.ingest(randomEvents(&all)...)

		rapid.Check(f.T, func(t *rapid.T) {
			search := store.Search{
				Kind:          rapid.SampledFrom([]store.Kind{"", store.KindMessage, store.KindStatus}).Draw(t, "kind"),
				Type:          rapid.SampledFrom([]string{"", store.None, "text", "image"}).Draw(t, "type"),
				PhoneNumberID: rapid.SampledFrom([]string{"", store.None, "1", "2"}).Draw(t, "number"),
				Conversation:  rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "conversation"),
				States:        rapid.SliceOfN(rapid.SampledFrom([]store.State{store.Pending, store.Done, store.Quarantined}), 0, 2).Draw(t, "states"),
				Budget:        rapid.IntRange(1, 50).Draw(t, "budget"),
			}

			var want []store.ID

			for _, e := range slices.Backward(all) {
				if (search.Kind == "" || search.Kind == e.Kind) && matches(search.Type, e.Type) &&
					matches(search.PhoneNumberID, e.PhoneNumberID) &&
					(search.Conversation == "" || search.Conversation == e.Lane) &&
					(len(search.States) == 0 || slices.Contains(search.States, e.State)) {
					want = append(want, e.ID)
				}
			}

			got, _ := f.search(search, rapid.IntRange(1, 20).Draw(t, "limit"))
			if !slices.Equal(got, want) {
				t.Fatalf("%+v found %v, want %v", search, got, want)
			}
		})
	},
}

// matches reports whether a field of an event matches that of a search.
func matches(field, value string) bool {
	return field == "" || field == value || field == store.None && value == ""
}

// randomEvents returns events in each combination of the properties that a search knows, and adds them to all.
func randomEvents(all *[]store.Event) []store.Event {
	for i, kind := range []store.Kind{store.KindMessage, store.KindStatus, store.KindMessage} {
		for _, kindType := range []string{"text", "image", ""} {
			for _, number := range []string{"1", "2", ""} {
				for _, lane := range []string{"a", "b"} {
					for _, state := range []store.State{store.Pending, store.Done, store.Quarantined} {
						e := text(fmt.Sprint(i, kindType, number, lane, state), lane)
						e.Kind = kind
						e.Type = kindType
						e.PhoneNumberID = number
						e.State = state
						*all = append(*all, e)
					}
				}
			}
		}
	}

	return *all
}
