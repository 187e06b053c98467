// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// messageAt returns the event of a message with the given JSON that was received a time after now.
func messageAt(t *testing.T, after time.Duration, raw string) store.Event {
	t.Helper()

	payload, err := json.Marshal(whatsapp.Item{Kind: whatsapp.ItemMessage, Raw: json.RawMessage(raw)})
	if err != nil {
		t.Fatal(err)
	}

	return store.Event{
		ID:         store.NewID(store.KindMessage, raw),
		Kind:       store.KindMessage,
		ReceivedAt: now.Add(after),
		Payload:    payload,
	}
}

func TestCollect(t *testing.T) {
	const (
		interval = 10 * time.Second
		late     = time.Hour
	)

	text := func(after time.Duration, words string) store.Event {
		return messageAt(t, after, fmt.Sprintf(`{"id":%q,"type":"text","text":{"body":%q}}`, words, words))
	}
	edit := func(after time.Duration, original, words string) store.Event {
		return messageAt(t, after, fmt.Sprintf(
			`{"id":%q,"type":"edit","edit":{"original_message_id":%q,"message":{"type":"text","text":{"body":%q}}}}`,
			"edit to "+words, original, words))
	}
	revoke := func(after time.Duration, original string) store.Event {
		return messageAt(t, after, fmt.Sprintf(`{"type":"revoke","revoke":{"original_message_id":%q}}`, original))
	}
	image := messageAt(t, 0, `{"type":"image"}`)

	for name, tc := range map[string]struct {
		following []store.Event
		alone     bool     // no texts are joined
		closed    bool     // the AI may have been asked
		want      []string // texts
		events    []int    // of following, that end with the question
		due       time.Duration
		revoked   bool // the first message
	}{
		"none": {want: []string{"first"}, due: interval},
		"within the interval": {
			following: []store.Event{text(9*time.Second, "two"), text(18*time.Second, "three")},
			want:      []string{"first", "two", "three"},
			events:    []int{0, 1},
			due:       28 * time.Second,
		},
		"after the interval": {
			following: []store.Event{text(9*time.Second, "two"), text(19*time.Second, "three")},
			want:      []string{"first", "two"},
			events:    []int{0},
		},
		"a person who keeps writing": {
			following: []store.Event{
				text(9*time.Second, "two"), text(18*time.Second, "three"), text(27*time.Second, "four"),
				text(36*time.Second, "five"), text(45*time.Second, "six"), text(50*time.Second, "seven"),
			},
			want:   []string{"first", "two", "three", "four", "five", "six"},
			events: []int{0, 1, 2, 3, 4},
		},
		"a message of another type": {
			following: []store.Event{text(0, "two"), image, text(0, "three")},
			want:      []string{"first", "two"},
			events:    []int{0},
		},
		"a change of another field": {
			following: []store.Event{{Kind: store.KindField, ReceivedAt: now}, text(0, "two")},
			want:      []string{"first"},
		},
		"edited texts": {
			following: []store.Event{text(0, "two"), edit(5*time.Second, "first", "new"), edit(6*time.Second, "two", "newer")},
			want:      []string{"new", "newer"},
			events:    []int{1, 0, 2},
			due:       16 * time.Second,
		},
		"the newest edit, also one that names the edit before it": {
			following: []store.Event{edit(0, "first", "a"), edit(0, "first", "b"), edit(0, "edit to b", "c")},
			alone:     true,
			want:      []string{"c"},
			events:    []int{0, 1, 2},
		},
		"an edit behind another message": {
			following: []store.Event{image, edit(late, "first", "new")},
			want:      []string{"new"},
			events:    []int{1},
		},
		"a late edit after the AI may have been asked": {
			following: []store.Event{edit(late, "first", "new")},
			closed:    true,
			want:      []string{"first"},
		},
		"an edit within the interval after the AI may have been asked": {
			following: []store.Event{edit(0, "first", "new")},
			closed:    true,
			want:      []string{"new"},
			events:    []int{0},
			due:       interval,
		},
		"an edit of an older message": {
			following: []store.Event{edit(0, "other", "new"), text(0, "two")},
			want:      []string{"first"},
		},
		"an edit to an image": {
			following: []store.Event{messageAt(t, 0,
				`{"type":"edit","edit":{"original_message_id":"first","message":{"type":"image","image":{"id":"1"}}}}`)},
			want: []string{"first"},
		},
		"an edit without content": {
			following: []store.Event{messageAt(t, 0, `{"type":"edit","edit":{"original_message_id":"first"}}`)},
			want:      []string{"first"},
		},
		"a revoked text among others": {
			following: []store.Event{text(0, "two"), edit(0, "two", "new"), revoke(0, "two"), text(0, "three")},
			want:      []string{"first", "three"},
			events:    []int{3},
			due:       interval,
		},
		"a late revocation after the AI may have been asked": {
			following: []store.Event{edit(late, "first", "new"), revoke(late, "first")},
			closed:    true,
			alone:     true,
			revoked:   true,
		},
		"an older message revoked": {
			following: []store.Event{revoke(0, "other"), text(0, "two")},
			want:      []string{"first"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			first, err := whatsapp.ParseMessage(json.RawMessage(`{"id":"first","type":"text","text":{"body":"first"}}`))
			if err != nil {
				t.Fatal(err)
			}

			joins := interval
			if tc.alone {
				joins = 0
			}

			q := newQuestion(first)
			due := q.collect(tc.following, now, joins, !tc.closed)

			if diff := cmp.Diff(tc.want, q.texts()); diff != "" {
				t.Errorf("texts (-want +got):\n%s", diff)
			}

			var events []store.Event
			for _, i := range tc.events {
				events = append(events, tc.following[i])
			}

			if diff := cmp.Diff(events, q.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}

			var want time.Time
			if tc.due != 0 {
				want = now.Add(tc.due)
			}

			if !due.Equal(want) {
				t.Errorf("due at %v, want %v", due, want)
			}

			if got := q.first().isRevoked(); got != tc.revoked {
				t.Errorf("the first message is revoked: %t, want %t", got, tc.revoked)
			}
		})
	}
}
