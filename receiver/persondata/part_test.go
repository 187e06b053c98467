// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package persondata

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestPartOfManyPersons checks that of an event which names many persons only the part of one is exported.
func TestPartOfManyPersons(t *testing.T) {
	for name, tc := range map[string]struct {
		field, value  string
		wants, unwant []string
		isWhole       bool
	}{
		"chats of the past": {
			field: "history",
			value: fmt.Sprintf(`"history":[{"metadata":{"phase":0},"threads":[
				{"id":%[1]q,"messages":[{"from":"15550783881","id":"wamid.1","text":{"body":"TO-ANA"}},{"from":%[1]q,"id":"wamid.2","text":{"body":"BY-ANA"}}]},
				{"id":%[2]q,"messages":[{"from":%[2]q,"id":"wamid.3","text":{"body":"OF-LUIS"}},
					{"from":%[2]q,"id":"wamid.4","type":"contacts","contacts":[{"name":{"formatted_name":"CARD"},"phones":[{"phone":%[1]q}]}]}]}]}]`, ana, luis),
			wants:  []string{"TO-ANA", "BY-ANA", `"metadata":{"phase":0}`},
			unwant: []string{"OF-LUIS", luis, "wamid.4", "CARD"},
		},
		"chats by user id": {
			field: "history",
			value: fmt.Sprintf(`"history":[{"threads":[{"context":{"wa_id":%q},"messages":[{"text":{"body":"TO-ANA"}}]},
				{"context":{"wa_id":%q},"messages":[{"text":{"body":"OF-LUIS"}}]}]}]`, ana, luis),
			wants:  []string{"TO-ANA"},
			unwant: []string{"OF-LUIS", luis},
		},
		"contacts of the app": {
			field: "smb_app_state_sync",
			value: fmt.Sprintf(`"state_sync":[{"type":"contact","contact":{"full_name":"ANA","phone_number":%q},"action":"add"},
				{"type":"contact","contact":{"full_name":"LUIS","phone_number":%q},"action":"add"}]`, ana, luis),
			wants:  []string{"ANA"},
			unwant: []string{"LUIS", luis},
		},
		"members of a group": {
			field: "group_participants_update",
			value: fmt.Sprintf(`"groups":[{"timestamp":"1795430400","group_id":%q,"added_participants":[{"wa_id":%q},{"wa_id":%q}]}]`,
				group, ana, luis),
			wants:  []string{group, ana, "1795430400"},
			unwant: []string{luis},
		},
		"messages without a known shape": {
			field:  "messages",
			value:  fmt.Sprintf(`"odd":[{"from":%q,"body":"BY-ANA"},{"from":%q,"body":"OF-LUIS"}]`, ana, luis),
			wants:  []string{"BY-ANA"},
			unwant: []string{"OF-LUIS", luis},
		},
		"of one person": {
			field:   "user_preferences",
			value:   fmt.Sprintf(`"user_preferences":[{"wa_id":%q,"detail":"ANA-STOPS"}]`, ana),
			wants:   []string{"ANA-STOPS"},
			isWhole: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.deliver(tc.field, tc.value)

			person := f.find(number + ":" + ana)
			parts, whole := f.parts(person)

			for _, text := range tc.wants {
				if !strings.Contains(parts, text) {
					t.Errorf("the part lacks %s: %s", text, parts)
				}
			}

			for _, text := range tc.unwant {
				if strings.Contains(parts, text) {
					t.Errorf("the part has %s: %s", text, parts)
				}
			}

			if whole != tc.isWhole {
				t.Errorf("the event is whole: %t, want %t", whole, tc.isWhole)
			}
		})
	}
}

// TestPartOfAQuotingMessage checks that a message in a group is exported without the author of a message that it quotes,
// unless that is the person or the business.
func TestPartOfAQuotingMessage(t *testing.T) {
	for name, tc := range map[string]struct {
		context string
		isWhole bool
	}{
		"of another":                 {`{"from":"` + luis + `","id":"wamid.l"}`, false},
		"of another with a plus":     {`{"from":"+` + luis + `","id":"wamid.l"}`, false},
		"of another by user id":      {`{"from_user_id":"CO.99","id":"wamid.l"}`, false},
		"of the person":              {`{"from":"` + ana + `","id":"wamid.l"}`, true},
		"of the business":            {`{"from":"15550783881","id":"wamid.l"}`, true},
		"forwarded":                  {`{"forwarded":true}`, true},
		"a context of another shape": {`["` + ana + `"]`, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.deliver("messages", fmt.Sprintf(`"messages":[{"id":"wamid.a","from":%q,"group_id":%q,"timestamp":"1795430400",
				"type":"text","text":{"body":"BY-ANA"},"context":%s}]`, ana, group, tc.context))

			parts, whole := f.parts(f.find(number + ":" + ana))
			if !strings.Contains(parts, "BY-ANA") {
				t.Errorf("the part lacks what the person wrote: %s", parts)
			}

			if whole != tc.isWhole || strings.Contains(parts, "wamid.l") != (tc.isWhole && strings.Contains(tc.context, "wamid.l")) {
				t.Errorf("the event is whole: %t, want %t: %s", whole, tc.isWhole, parts)
			}

			for _, other := range []string{luis, "CO.99"} {
				if strings.Contains(parts, other) {
					t.Errorf("the part names another person: %s", parts)
				}
			}
		})
	}
}

// parts returns what is exported of the events that concern a person, and whether it is all of them.
func (f *fixture) parts(person *Person) (parts string, whole bool) {
	f.Helper()

	var all strings.Builder

	found := false
	whole = true

	err := person.Each(f.Context(), func(records []store.FoundRecord) error {
		for i := range records {
			payload, cut := person.Part(&records[i].Event)
			all.Write(payload)

			whole = whole && !cut
			found = true
		}

		return nil
	})
	if err != nil || !found {
		f.Fatalf("no event concerns the person: %v", err)
	}

	return all.String(), whole
}

// TestUndividedPart checks that nothing is exported of an event that cannot be read.
func TestUndividedPart(t *testing.T) {
	f := newFixture(t)
	f.ingest(store.Event{
		ID:            store.NewID(store.KindUnknown, "odd"),
		Kind:          store.KindUnknown,
		State:         store.Skipped,
		PhoneNumberID: number,
		Payload:       []byte(ana + " OF-LUIS"),
		ReceivedAt:    now,
	})

	if parts, whole := f.parts(f.find(number + ":" + ana)); parts != "" || whole {
		t.Errorf("part = %q, want nothing", parts)
	}
}
