// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEncodeRecipient(t *testing.T) {
	for name, tc := range map[string]struct {
		reply Reply
		want  string
	}{
		"to a number": {
			Reply{
				To:        Recipient{WaID: "573001234567", UserID: "CO.1"},
				ContextID: "wamid.1",
				Callback:  "e:0",
			},
			`{"messaging_product":"whatsapp","recipient_type":"individual","to":"+573001234567","type":"text","text":{"preview_url":false,"body":"hi"},"context":{"message_id":"wamid.1"},"biz_opaque_callback_data":"e:0"}`,
		},
		"to a user id": {
			Reply{To: Recipient{UserID: "CO.1"}},
			`{"messaging_product":"whatsapp","recipient_type":"individual","recipient":"CO.1","type":"text","text":{"preview_url":false,"body":"hi"}}`,
		},
		"to a group": {
			Reply{To: Recipient{GroupID: "g", WaID: "573001234567"}},
			`{"messaging_product":"whatsapp","recipient_type":"group","to":"g","type":"text","text":{"preview_url":false,"body":"hi"}}`,
		},
	} {
		encoded, err := Encode(tc.reply, TextContent{Text: "hi"})
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(tc.want, string(encoded.Body)); diff != "" {
			t.Errorf("%s: Encode() (-want +got):\n%s", name, diff)
		}
	}
}

func TestSplitTextLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("aé漢😀")), 1, 3000, -1), 0, 8).Draw(t, "words")
		text := strings.Repeat(" ", rapid.IntRange(0, 5000).Draw(t, "blanks")) + strings.Join(words, " ")

		pieces := SplitText(text)
		for _, piece := range pieces {
			if n := utf8.RuneCountInString(piece); n > MaxTextRunes {
				t.Fatalf("a piece has %d characters, want at most %d", n, MaxTextRunes)
			}

			if strings.TrimSpace(piece) == "" && strings.TrimSpace(text) != "" {
				t.Fatal("a piece is blank")
			}

			if !utf8.ValidString(piece) {
				t.Fatal("a piece cuts a character")
			}
		}

		without := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if without(strings.Join(pieces, "")) != without(text) {
			t.Fatal("the pieces do not make up the text")
		}
	})
}
