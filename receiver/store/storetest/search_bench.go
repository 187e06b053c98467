// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// BenchmarkSearch reads pages of 100 of a store with 1,000,000 events of 50,000 conversations, of which a tenth are dead
// letters and a tenth were left to people. A search that finds nothing looks at as many events as one call may. Sample is an
// event of a conversation.
func BenchmarkSearch(b *testing.B, s store.Store, sample store.Event) {
	b.Helper()

	for _, c := range []struct {
		name   string
		search store.Search
	}{
		{"newest", store.Search{}},
		{"of one conversation", store.Search{Conversation: sample.Lane}},
		{"of an unknown conversation", store.Search{Conversation: "unknown"}},
		{"of an unknown type", store.Search{Type: "unknown"}},
		{"done", store.Search{States: []store.State{store.Done}}},
		{"dead", store.Search{States: []store.State{store.Dead}}},
		{"dead with an unknown code", store.Search{States: []store.State{store.Dead}, Code: "unknown"}},
		{"not answered, of an unknown conversation", store.Search{States: store.Replayable, Conversation: "unknown"}},
	} {
		for _, from := range []struct {
			name   string
			before int64
		}{{"from the newest", 0}, {"from the middle", 500_000}} {
			b.Run(c.name+" "+from.name, func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Search(b.Context(), c.search, from.before, 100); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}

	b.Run("recent conversations", func(b *testing.B) {
		for b.Loop() {
			if found, err := s.Recent(b.Context(), store.Position{}, 100); err != nil || len(found) != 100 {
				b.Fatalf("Recent returned %d conversations, %v", len(found), err)
			}
		}
	})
	b.Run("detail", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.EventDetail(b.Context(), sample.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("all of one person", func(b *testing.B) {
		for b.Loop() {
			findAll(b, s, store.Identifiers{
				Lanes:        []string{sample.Lane},
				Texts:        []string{"573009999999", "CO.1"},
				Participants: []string{"573009999999"},
				MessageIDs:   []string{"NTczMDA5OTk5OTk5"},
			})
		}
	})
}

// findAll reads all pages of the events with one of the identifiers.
func findAll(b *testing.B, s store.Store, identifiers store.Identifiers) {
	b.Helper()

	for after := int64(0); ; {
		_, next, err := s.FindByIdentifiers(b.Context(), identifiers, after, 50)
		if err != nil {
			b.Fatal(err)
		}

		if next == 0 {
			return
		}

		after = next
	}
}
