// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// noticesOf returns the notices about a change, and its other events.
func noticesOf(t *testing.T, field, value string) (notices []notice.Notice, others []store.Event) {
	t.Helper()

	withSink := settings
	withSink.Notifications.SinkURL = "http://sink"

	for _, event := range parse(t, withSink, field, value) {
		if event.Kind != store.KindNotice {
			others = append(others, event)
			continue
		}

		var n notice.Notice
		if err := json.Unmarshal(event.Payload, &n); err != nil {
			t.Fatal(err)
		}

		notices = append(notices, n)
	}

	return notices, others
}

func TestNotices(t *testing.T) {
	const (
		number = `"metadata":{"phone_number_id":"42"},`
		reply  = "0102030405060708090a0b0c0d0e0f10"
	)

	for name, tc := range map[string]struct {
		field, value string
		want         []string // types and data of the notices
	}{
		"a message": {
			"messages", `{` + number + textMessage + `}`,
			[]string{`message.received {"type":"text"}`},
		},
		"a message read": {
			"messages", `{` + number + `"statuses":[{"id":"w","status":"read","biz_opaque_callback_data":"` + reply + `:0"}]}`,
			[]string{`message.read {"event":"` + reply + `","status":"read"}`},
		},
		"another application's message read": {
			"messages", `{` + number + `"statuses":[{"id":"w","status":"read","biz_opaque_callback_data":"573001234567"}]}`,
			[]string{`message.read {"status":"read"}`},
		},
		"a payment":                {"messages", `{` + number + `"statuses":[{"id":"w","status":"read","type":"payment"}]}`, nil},
		"a message delivered":      {"messages", `{` + number + `"statuses":[{"id":"w","status":"delivered"}]}`, nil},
		"a message that failed":    {"messages", `{` + number + `"statuses":[{"id":"w","status":"failed"}]}`, nil},
		"a reported error":         {"messages", `{` + number + `"errors":[{"code":1}]}`, nil},
		"a foreign number":         {"messages", `{"metadata":{"phone_number_id":"43"},` + textMessage + `}`, nil},
		"a foreign number's field": {"calls", `{"metadata":{"phone_number_id":"43"}}`, nil},
		"a field of the account":   {"account_update", `{"event":"X"}`, []string{`account.account_update {"event":"X"}`}},
		"control taken": {
			"messaging_handovers", `{"recipient":{"phone_number_id":"42"},"sender":{"phone_number":"573"},"type":"control_taken"}`,
			[]string{`account.messaging_handovers {"type":"control_taken"}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string

			notices, others := noticesOf(t, tc.field, tc.value)
			for _, n := range notices {
				got = append(got, n.Type+" "+string(n.Data))
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("notices (-want +got):\n%s", diff)
			}

			if events := parse(t, settings, tc.field, tc.value); len(events) != len(others) {
				t.Errorf("%d events without a sink, want %d", len(events), len(others))
			}
		})
	}
}

// TestNoticesTellNothingPersonal gives every field the same words and person, in each of the ways that Meta sends them.
func TestNoticesTellNothingPersonal(t *testing.T) {
	const (
		message = `{"id":"wamid.SECRET","from":"573001234567","to":"573001234567","type":"text","text":{"body":"SECRET"}}`
		contact = `{"wa_id":"573001234567","profile":{"name":"SECRET"}}`
	)

	for name, tc := range map[string]struct{ field, value string }{
		"unknown key beside messages": {"messages", `"conversation_context":{"summary":{"text":"SECRET"}},"contacts":[%[2]s],"messages":[%[1]s]`},
		"messages are not a list":     {"messages", `"contacts":[%[2]s],"messages":%[1]s`},
		"messages are not objects":    {"messages", `"messages":["SECRET"]`},
		"user actions":                {"messages", `"contacts":[%[2]s],"user_actions":[%[1]s]`},
		"group statuses":              {"messages", `"statuses":[{"id":"wamid.SECRET","status":"read","recipient_participant_id":"573001234567"}]`},
		"echoes":                      {"smb_message_echoes", `"message_echoes":[%[1]s]`},
		"echoes of another shape":     {"smb_message_echoes", `"contacts":[%[2]s],"message_echoes":%[1]s`},
		"echoes without a person":     {"smb_message_echoes", `"message_echoes":[{"text":{"body":"SECRET"}}]`},
		"echoes of applications":      {"message_echoes", `"message_echoes":[%[1]s]`},
		"history":                     {"history", `"history":[{"threads":[{"id":"573001234567","messages":[%[1]s]}]}]`},
		"standby":                     {"standby", `"standby":{"messages":[%[1]s]}`},
		"contacts of the app":         {"smb_app_state_sync", `"state_sync":[{"contact":%[2]s}]`},
		"handover":                    {"messaging_handovers", `"sender":{"phone_number":"573001234567"},"type":"SECRET","control_taken":{"metadata":"SECRET"}`},
		"preferences":                 {"user_preferences", `"user_preferences":[{"wa_id":"573001234567","value":"stop"}]`},
		"calls":                       {"calls", `"calls":[%[1]s]`},
		"groups":                      {"group_participants_update", `"groups":[%[1]s]`},
		"a field that Meta adds":      {"something_new", `"something":[%[1]s]`},
	} {
		t.Run(name, func(t *testing.T) {
			value := strings.NewReplacer("%[1]s", message, "%[2]s", contact).Replace(tc.value)

			notices, _ := noticesOf(t, tc.field, `{"metadata":{"phone_number_id":"42"},`+value+`}`)
			if len(notices) == 0 {
				t.Fatal("nothing is announced")
			}

			for _, n := range notices {
				if all := fmt.Sprint(n.Type, n.Source, n.Subject, string(n.Data)); strings.Contains(all, "SECRET") || strings.Contains(all, "573001234567") {
					t.Errorf("notice %s says %s", n.Type, n.Data)
				}
			}
		})
	}
}

// TestDeliveriesAreStoredAboutOnce delivers many parts in one change. Their number must not multiply what is stored.
func TestDeliveriesAreStoredAboutOnce(t *testing.T) {
	list := func(n int, element func(i int) string) string {
		var all []string
		for i := range n {
			all = append(all, element(i))
		}

		return strings.Join(all, ",")
	}
	message := func(i int) string {
		return fmt.Sprintf(`{"from":"15550783881","to":"57300%07d","id":"wamid.%d","timestamp":"1723861244","type":"text","text":{"body":%q}}`,
			i, i, strings.Repeat("x", 200))
	}

	for name, tc := range map[string]struct{ field, list string }{
		"echoes":               {"smb_message_echoes", `"message_echoes":[` + list(1000, message) + `]`},
		"echoes, some unknown": {"smb_message_echoes", `"x":1,"message_echoes":[7,` + list(1000, message) + `]`},
		"history":              {"history", `"history":[{"threads":[{"messages":[` + list(1000, message) + `]}]}]`},
		"standby":              {"standby", `"standby":{"messages":[` + list(1000, message) + `]}`},
		"messages":             {"messages", `"messages":[` + list(1000, message) + `]`},
		"messages and a key":   {"messages", `"x":1,"messages":[` + list(1000, message) + `]`},
	} {
		t.Run(name, func(t *testing.T) {
			value := `{"metadata":{"phone_number_id":"42"},` + tc.list + `}`
			notices, events := noticesOf(t, tc.field, value)

			size := 0
			for _, event := range events {
				size += len(event.Payload)
			}

			for _, n := range notices {
				size += len(n.Data)
			}

			if size > 3*len(value) {
				t.Errorf("%d bytes are stored of a change with %d", size, len(value))
			}

			for i := range 1000 {
				id := fmt.Sprintf(`"wamid.%d"`, i)
				stored := 0

				for _, event := range events {
					stored += strings.Count(string(event.Payload), id)
				}

				if stored != 1 {
					t.Fatalf("element %d is stored %d times, want once", i, stored)
				}
			}
		})
	}
}
