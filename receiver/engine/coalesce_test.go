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

	return store.Event{Kind: store.KindMessage, ReceivedAt: now.Add(after), Payload: payload}
}

func TestCollectTexts(t *testing.T) {
	const interval = 10 * time.Second

	text := func(after time.Duration, words string) store.Event {
		return messageAt(t, after, fmt.Sprintf(`{"id":%q,"type":"text","text":{"body":%q}}`, words, words))
	}
	edit := func(after time.Duration, original, words string) store.Event {
		return messageAt(t, after, fmt.Sprintf(
			`{"type":"edit","edit":{"original_message_id":%q,"message":{"type":"text","text":{"body":%q}}}}`, original, words))
	}

	for name, tc := range map[string]struct {
		following []store.Event
		want      []string
		due       time.Duration // after now; 0 if the texts are complete
	}{
		"none": {want: []string{"first"}, due: interval},
		"within the interval": {
			following: []store.Event{text(9*time.Second, "two"), text(18*time.Second, "three")},
			want:      []string{"first", "two", "three"},
			due:       28 * time.Second,
		},
		"after the interval": {
			following: []store.Event{text(9*time.Second, "two"), text(19*time.Second, "three")},
			want:      []string{"first", "two"},
		},
		"a person who keeps writing": {
			following: []store.Event{
				text(9*time.Second, "two"), text(18*time.Second, "three"), text(27*time.Second, "four"),
				text(36*time.Second, "five"), text(45*time.Second, "six"), text(50*time.Second, "seven"),
			},
			want: []string{"first", "two", "three", "four", "five", "six"},
		},
		"a message of another type": {
			following: []store.Event{text(0, "two"), messageAt(t, 0, `{"type":"image"}`), text(0, "three")},
			want:      []string{"first", "two"},
		},
		"a change of another field": {
			following: []store.Event{{Kind: store.KindField, ReceivedAt: now}, text(0, "two")},
			want:      []string{"first"},
		},
		"an edited text": {
			following: []store.Event{text(0, "two"), edit(5*time.Second, "first", "new"), edit(6*time.Second, "two", "newer")},
			want:      []string{"new", "newer"},
			due:       16 * time.Second,
		},
		"an edit of an older message": {
			following: []store.Event{edit(0, "other", "new"), text(0, "two")},
			want:      []string{"first"},
		},
		"an edited image": {
			following: []store.Event{
				messageAt(t, 0, `{"type":"edit","edit":{"original_message_id":"first","message":{"type":"image"}}}`),
			},
			want: []string{"first"},
		},
		"an edit without content": {
			following: []store.Event{messageAt(t, 0, `{"type":"edit","edit":{"original_message_id":"first"}}`)},
			want:      []string{"first"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			first, err := whatsapp.ParseMessage(json.RawMessage(`{"id":"first","type":"text","text":{"body":"first"}}`))
			if err != nil {
				t.Fatal(err)
			}

			joined := newTexts(first)
			_, due := collectTexts(&joined, now, interval, tc.following)

			if diff := cmp.Diff(tc.want, joined.bodies); diff != "" {
				t.Errorf("texts (-want +got):\n%s", diff)
			}

			var want time.Time
			if tc.due != 0 {
				want = now.Add(tc.due)
			}

			if !due.Equal(want) {
				t.Errorf("due at %v, want %v", due, want)
			}
		})
	}
}
