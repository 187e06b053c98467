// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func change(value string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":` + value + `}]}]}`
}

func TestSplit(t *testing.T) {
	number := Metadata{DisplayPhoneNumber: "15550001111", PhoneNumberID: "42"}

	const metadata = `"metadata":{"display_phone_number":"15550001111","phone_number_id":"42"}`
	for name, tc := range map[string]struct {
		body string
		want []Item
	}{
		"a single contact": {
			body: change(`{` + metadata + `, "contacts":[{"wa_id":"1"}], "messages":[ {"id":"a","from":"1"} ]}`),
			want: []Item{{
				Kind:     ItemMessage,
				Field:    "messages",
				WABAID:   "7",
				Metadata: number,
				Contact:  raw(`{"wa_id":"1"}`),
				Raw:      raw(`{"id":"a","from":"1"}`),
			}},
		},
		"several contacts": {
			body: change(`{"contacts":[{"wa_id":"1"},{"user_id":"US.2"}],"messages":[{"from_user_id":"US.2"},{"from":"1"},{"from":"3"}]}`),
			want: []Item{
				{
					Kind:    ItemMessage,
					Field:   "messages",
					WABAID:  "7",
					Contact: raw(`{"user_id":"US.2"}`),
					Raw:     raw(`{"from_user_id":"US.2"}`),
				},
				{
					Kind:    ItemMessage,
					Field:   "messages",
					WABAID:  "7",
					Contact: raw(`{"wa_id":"1"}`),
					Raw:     raw(`{"from":"1"}`),
				},
				{Kind: ItemMessage, Field: "messages", WABAID: "7", Raw: raw(`{"from":"3"}`)},
			},
		},
		"messages, statuses and errors in one value": {
			body: change(`{` + metadata + `,"messages":[{"id":"a"}],"statuses":[{"id":"b"},{"id":"c"}],"errors":[{"code":1}]}`),
			want: []Item{
				{Kind: ItemMessage, Field: "messages", WABAID: "7", Metadata: number, Raw: raw(`{"id":"a"}`)},
				{Kind: ItemStatus, Field: "messages", WABAID: "7", Metadata: number, Raw: raw(`{"id":"b"}`)},
				{Kind: ItemStatus, Field: "messages", WABAID: "7", Metadata: number, Raw: raw(`{"id":"c"}`)},
				{Kind: ItemError, Field: "messages", WABAID: "7", Metadata: number, Raw: raw(`{"code":1}`)},
			},
		},
		"another field, with numbers instead of strings": {
			body: `{"entry":[{"id":7,"time":1731617831,"changes":[{"value":{"event":"X"},"field":"account_update"}]}],"object":"whatsapp_business_account"}`,
			want: []Item{{
				Kind:   ItemField,
				Field:  "account_update",
				WABAID: "7",
				Time:   "1731617831",
				Raw:    raw(`{"event":"X"}`),
			}},
		},
		"user actions": {
			body: change(`{"user_actions":[]}`),
			want: []Item{{
				Kind:   ItemUnknown,
				Field:  "messages",
				WABAID: "7",
				Raw:    raw(`{"field":"messages","value":{"user_actions":[]}}`),
			}},
		},
		"unknown keys beside messages": {
			body: change(`{"messages":[{"id":"a"}],"statuses":{},"extra":1}`),
			want: []Item{
				{Kind: ItemMessage, Field: "messages", WABAID: "7", Raw: raw(`{"id":"a"}`)},
				{
					Kind:   ItemUnknown,
					Field:  "messages",
					WABAID: "7",
					Raw:    raw(`{"field":"messages","value":{"extra":1,"statuses":{}}}`),
				},
			},
		},
		"a handover": {
			body: `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messaging_handovers","value":{"recipient":{"phone_number_id":"42"}}}]}]}`,
			want: []Item{{
				Kind:     ItemField,
				Field:    "messaging_handovers",
				WABAID:   "7",
				Metadata: Metadata{PhoneNumberID: "42"},
				Raw:      raw(`{"recipient":{"phone_number_id":"42"}}`),
			}},
		},
		"one bad change does not affect the others": {
			body: `{"object":"whatsapp_business_account","entry":[3,{"id":"7","changes":["x",{"field":"f","value":{}}]}]}`,
			want: []Item{{Kind: ItemUnknown, Raw: raw(`3`)}, {Kind: ItemUnknown, WABAID: "7", Raw: raw(`"x"`)}, {
				Kind:   ItemField,
				Field:  "f",
				WABAID: "7",
				Raw:    raw(`{}`),
			}},
		},
		"another object": {body: `{"object":"page","entry":[{}]}`, want: []Item{{
			Kind:  ItemUnknown,
			Field: "page",
			Raw:   raw(`{"object":"page","entry":[{}]}`),
		}}},
		"no entry": {body: `{"object":"whatsapp_business_account","entry":[]}`, want: []Item{{
			Kind:  ItemUnknown,
			Field: ObjectBusinessAccount,
			Raw:   raw(`{"object":"whatsapp_business_account","entry":[]}`),
		}}},
		"not an object": {body: `[1]`, want: []Item{{Kind: ItemUnknown, Raw: raw(`[1]`)}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Split([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Split() (-want +got):\n%s", diff)
			}
		})
	}

	if _, err := Split([]byte(`{"object":`)); !errors.Is(err, ErrNotJSON) {
		t.Errorf("Split(half an object) error = %v, want ErrNotJSON", err)
	}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }
