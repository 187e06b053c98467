// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"strings"
	"testing"
)

func TestIdempotencyKey(t *testing.T) {
	common := Common{PhoneNumberID: "42", MessageID: "wamid.1"}
	unnamed := Common{PhoneNumberID: "42", EventID: "9f86"}

	for name, tc := range map[string]struct {
		request Request
		want    string
	}{
		"first": {Request{
			Method:  ProcessText,
			Attempt: 1,
			Body:    TextMessage{Common: common},
		}, "process_text_message:42:wamid.1"},
		"a later attempt": {Request{
			Method:  ProcessText,
			Attempt: 3,
			Body:    TextMessage{Common: common},
		}, "process_text_message:42:wamid.1"},
		"replayed by hand": {Request{
			Method:  ProcessText,
			Replays: 2,
			Body:    TextMessage{Common: common},
		}, "process_text_message:42:wamid.1:r2"},
		"a message without an id": {Request{Method: ProcessText, Body: TextMessage{Common: unnamed}}, "process_text_message:42:9f86"},
		"payment without its details": {
			Request{Method: NotifyStatus, Body: StatusNotification{
				Common: Common{PhoneNumberID: "42", MessageID: "wamid.1", EventID: "9f86"},
				Status: "pending",
				Type:   "payment",
			}},
			"notify_bird_status_change:42:wamid.1:pending:payment:9f86",
		},
		"status": {Request{Method: NotifyStatus, Body: StatusNotification{Common: common, Status: "read"}}, "notify_bird_status_change:42:wamid.1:read"},
		"status in a group": {
			Request{Method: NotifyStatus, Body: StatusNotification{
				Common:        common,
				Status:        "failed",
				Type:          "payment",
				ParticipantID: "7",
			}},
			"notify_bird_status_change:42:wamid.1:failed:payment:7",
		},
	} {
		if got := tc.request.IdempotencyKey(); got != tc.want {
			t.Errorf("%s: key = %q, want %q", name, got, tc.want)
		}
	}

	for _, id := range []string{strings.Repeat("x", 300), "wamid\x00", "wamid\r\nX-Attempt: 2", "wamid 1", "wamid\x7f", "ñ"} {
		request := Request{Method: ProcessText, Body: TextMessage{Common: Common{PhoneNumberID: "42", MessageID: id}}}
		if got := request.IdempotencyKey(); len(got) != 64 {
			t.Errorf("id %q: key has %d characters, want the 64 of a SHA-256", id, len(got))
		}
	}
}
