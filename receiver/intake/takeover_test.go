// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

func TestTakeovers(t *testing.T) {
	const duration = 12 * time.Hour

	withDuration := settings
	withDuration.Processing.HandoffDuration = duration

	sent := now.Add(-time.Hour)
	by := func(holder store.Holder, at time.Time) *store.Takeover {
		change := &store.Takeover{
			By:    holder,
			Until: at.Add(duration),
			At:    at,
		}
		if holder == store.OtherResponder {
			change.Preserves = PreservedHolders(withDuration)
		}

		return change
	}
	echo := func(properties string) string {
		return `{"metadata":{"phone_number_id":"42"},"message_echoes":[{"id":"e1","to":"573"` + properties + `}]}`
	}
	handover := func(properties string) string {
		return `{"recipient":{"phone_number_id":"42"},"sender":{"phone_number":"+573"}` + properties + `}`
	}
	at := func(t time.Time) string { return fmt.Sprintf(`,"timestamp":"%d"`, t.Unix()) }

	for name, tc := range map[string]struct {
		field, value string
		want         *store.Takeover
	}{
		"echo":                        {"smb_message_echoes", echo(at(sent)), by(store.Colleague, sent)},
		"echo without a time":         {"smb_message_echoes", echo(""), by(store.Colleague, now)},
		"echo of the future":          {"smb_message_echoes", echo(at(now.Add(time.Hour))), by(store.Colleague, now)},
		"echo of an edit":             {"smb_message_echoes", echo(`,"type":"edit"` + at(sent)), by(store.Colleague, sent)},
		"echo by a user":              {"smb_message_echoes", echo(`,"message_creation_type":"user"` + at(sent)), by(store.Colleague, sent)},
		"echo by Meta's agent":        {"smb_message_echoes", echo(`,"message_creation_type":"created_by_1p_bot"` + at(sent)), nil},
		"echo of an away message":     {"smb_message_echoes", echo(`,"message_creation_type":"away_message"` + at(sent)), nil},
		"echo of a greeting":          {"smb_message_echoes", echo(`,"message_creation_type":"AUTOMATIC_GREETING"` + at(sent)), nil},
		"echo of a reaction":          {"smb_message_echoes", echo(`,"type":"reaction"` + at(sent)), nil},
		"echo of a revocation":        {"smb_message_echoes", echo(`,"type":"revoke"` + at(sent)), nil},
		"control taken":               {"messaging_handovers", handover(`,"type":"control_taken"` + at(sent)), by(store.OtherResponder, sent)},
		"control taken, without type": {"messaging_handovers", handover(`,"control_taken":{}` + at(sent)), by(store.OtherResponder, sent)},
		"control passed":              {"messaging_handovers", handover(`,"type":"control_passed"` + at(sent)), &store.Takeover{At: sent, Preserves: PreservedHolders(withDuration)}},
		"another handover":            {"messaging_handovers", handover(`,"type":"control_shared"` + at(sent)), nil},
		"an application's message":    {"message_echoes", echo(at(sent)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			event := parse(t, withDuration, tc.field, tc.value)[0]
			if diff := cmp.Diff(tc.want, event.Takeover); diff != "" {
				t.Errorf("takeover (-want +got):\n%s", diff)
			}

			if tc.want != nil && event.Lane != "42:573" {
				t.Errorf("lane = %q, want the person's conversation", event.Lane)
			}
		})
	}

	for value, lanes := range map[string][]string{
		`"sender":{"phone_number":"573"},"contacts":[{"wa_id":"573","user_id":"CO.1"}]`: {"42:573", "42:CO.1"},
		`"sender":{"phone_number":"573"},"contacts":[{"wa_id":"574","user_id":"CO.2"}]`: {"42:573"},
		`"sender":{},"contacts":[{"user_id":"CO.1"}]`:                                   {"42:CO.1"},
		`"contacts":[{"user_id":"CO.1"},{"user_id":"CO.2"}]`:                            {""},
	} {
		event := parse(t, withDuration, "messaging_handovers", `{"recipient":{"phone_number_id":"42"},"type":"control_taken",`+value+`}`)[0]
		if diff := cmp.Diff(lanes, append([]string{event.Lane}, event.Aliases...)); diff != "" {
			t.Errorf("lanes of %s (-want +got):\n%s", value, diff)
		}
	}

	unnamed := parse(t, withDuration, "messaging_handovers", `{"recipient":{"phone_number_id":"42"},"type":"control_taken"}`)[0]
	if unnamed.State != store.Skipped || unnamed.Takeover != nil {
		t.Errorf("handover of an unnamed person = %+v, want it skipped", unnamed)
	}
}

func TestEchoEvents(t *testing.T) {
	events := parse(t, settings, "smb_message_echoes", `{"metadata":{"phone_number_id":"42"},"message_echoes":[
		{"id":"e1","to":"573","to_user_id":"CO.1"},{"id":"e2"},{"id":"e3","to_user_id":"CO.2"}]}`)
	if len(events) != 3 {
		t.Fatalf("%d events, want one for each echo that names a person and one for the rest", len(events))
	}

	if diff := cmp.Diff([]string{"42:CO.1"}, events[0].Aliases); diff != "" || events[0].Lane != "42:573" || events[1].Lane != "42:CO.2" {
		t.Errorf("lanes are %q and %q, want the persons' (aliases: -want +got)\n%s", events[0].Lane, events[1].Lane, diff)
	}

	if field := events[2]; field.State != store.Skipped || field.Lane != "" {
		t.Errorf("field = %+v, want it skipped without a lane", field)
	}
}

// Events of an older version hold the whole change, and are still processed.
func TestTakeoverOfStoredEvents(t *testing.T) {
	withDuration := settings
	withDuration.Processing.HandoffDuration = time.Hour

	const change = `{"message_echoes":[{"id":"e1","to":"573","timestamp":"1750000000"},{"id":"e2","to":"574","timestamp":"1750000060"}]}`

	item := whatsapp.Item{
		Kind:     whatsapp.ItemField,
		Field:    whatsapp.FieldEchoes,
		Metadata: whatsapp.Metadata{PhoneNumberID: "42"},
		Raw:      json.RawMessage(change),
	}
	events := parse(t, withDuration, whatsapp.FieldEchoes, `{"metadata":{"phone_number_id":"42"},`+change[1:])

	for _, event := range events[:2] {
		for name, stored := range map[string]whatsapp.Item{"older version": item, "this version": decode(t, event.Payload)} {
			if diff := cmp.Diff(event.Takeover, TakeoverOf(event, stored, withDuration)); diff != "" {
				t.Errorf("%s: takeover (-at ingest +later):\n%s", name, diff)
			}
		}
	}

	handover := parse(t, withDuration, whatsapp.FieldHandovers,
		`{"recipient":{"phone_number_id":"42"},"sender":{"phone_number":"573"},"type":"control_passed","timestamp":"1750000000"}`)[0]
	if diff := cmp.Diff(handover.Takeover, TakeoverOf(handover, decode(t, handover.Payload), withDuration)); diff != "" {
		t.Errorf("takeover of a handover (-at ingest +later):\n%s", diff)
	}
}

func decode(t *testing.T, payload []byte) whatsapp.Item {
	t.Helper()

	item, err := whatsapp.Decode(payload)
	if err != nil {
		t.Fatal(err)
	}

	return item
}
