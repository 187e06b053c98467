// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"testing"
)

func TestEdited(t *testing.T) {
	const image = `{"id":"M1","type":"image","image":{"id":"1","mime_type":"image/jpeg","sha256":"x","caption":"old"}}`

	for name, tc := range map[string]struct {
		original, edit string
		want           string // the new text or caption; empty if the edit does not apply
	}{
		"a text": {
			original: `{"id":"M1","type":"text","text":{"body":"old"}}`,
			edit:     `{"type":"text","text":{"body":"new"}}`,
			want:     "new",
		},
		"a caption, with the file": {
			original: image,
			edit:     `{"type":"image","image":{"id":"2","sha256":"y","caption":"new"}}`,
			want:     "new",
		},
		"a caption, without the file": {
			original: image,
			edit:     `{"type":"image","image":{"caption":"new"}}`,
			want:     "new",
		},
		"a first caption": {
			original: `{"id":"M1","type":"document","document":{"id":"1"}}`,
			edit:     `{"type":"document","document":{"caption":"new"}}`,
			want:     "new",
		},
		"another type": {
			original: image,
			edit:     `{"type":"text","text":{"body":"new"}}`,
		},
		"a text without words": {
			original: `{"id":"M1","type":"text","text":{"body":"old"}}`,
			edit:     `{"type":"text","text":{}}`,
		},
		"a type without a caption": {
			original: `{"id":"M1","type":"audio","audio":{"id":"1"}}`,
			edit:     `{"type":"audio","audio":{"id":"1","caption":"new"}}`,
		},
		"no content": {
			original: image,
			edit:     `{"type":"image"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			original, err := ParseMessage(raw(tc.original))
			if err != nil {
				t.Fatal(err)
			}

			change, err := ParseMessage(raw(`{"type":"edit","edit":{"original_message_id":"M1","message":` + tc.edit + `}}`))
			if err != nil {
				t.Fatal(err)
			}

			edit, ok := change.Edit()
			edited := original

			if ok {
				edited, ok = original.Edited(edit)
			}

			if want := tc.want != ""; ok != want {
				t.Fatalf("the edit applies: %t, want %t", ok, want)
			}

			if !ok {
				return
			}

			media, _ := edited.Media()
			if got := edited.TextBody() + string(media.Caption); got != tc.want || edited.ID != "M1" {
				t.Errorf("the message %s says %q, want M1 and %q", edited.ID, got, tc.want)
			}

			before, _ := original.Media()
			if media.ID != before.ID || media.SHA256 != before.SHA256 {
				t.Errorf("the file is %s, want that of the original, %s", media.ID, before.ID)
			}
		})
	}
}

func TestRevoke(t *testing.T) {
	for body, want := range map[string]Text{
		`{"type":"revoke","revoke":{"original_message_id":"M1"}}`: "M1",
		`{"type":"revoke","revoke":{}}`:                           "",
		`{"type":"revoke"}`:                                       "",
		`{"type":"edit","revoke":{"original_message_id":"M1"}}`:   "",
	} {
		message, err := ParseMessage(raw(body))
		if err != nil {
			t.Fatal(err)
		}

		if got, ok := message.Revoke(); got != want || ok != (want != "") {
			t.Errorf("Revoke() of %s = %q, %t, want %q", body, got, ok, want)
		}
	}
}
