// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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
