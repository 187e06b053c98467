// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

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
		"a message with its contact": {
			body: change(`{` + metadata + `, "contacts":[{"wa_id":"1"}], "messages":[ {"id":"a","from":"1"} ]}`),
			want: []Item{{
				Part:     PartMessage,
				Field:    "messages",
				WABAID:   "7",
				Metadata: number,
				Contact:  raw(`{"wa_id":"1"}`),
				Raw:      raw(`{"id":"a","from":"1"}`),
			}},
		},
		"each message has the contact that sent it": {
			body: change(`{"contacts":[{"wa_id":"1"},{"user_id":"US.2"}],"messages":[{"from_user_id":"US.2"},{"from":"1"},{"from":"3"}]}`),
			want: []Item{
				{
					Part:    PartMessage,
					Field:   "messages",
					WABAID:  "7",
					Contact: raw(`{"user_id":"US.2"}`),
					Raw:     raw(`{"from_user_id":"US.2"}`),
				},
				{
					Part:    PartMessage,
					Field:   "messages",
					WABAID:  "7",
					Contact: raw(`{"wa_id":"1"}`),
					Raw:     raw(`{"from":"1"}`),
				},
				{Part: PartMessage, Field: "messages", WABAID: "7", Raw: raw(`{"from":"3"}`)},
			},
		},
		"messages, statuses and errors side by side": {
			body: change(`{` + metadata + `,"messages":[{"id":"a"}],"statuses":[{"id":"b"},{"id":"c"}],"errors":[{"code":1}]}`),
			want: []Item{
				{Part: PartMessage, Field: "messages", WABAID: "7", Metadata: number, Raw: raw(`{"id":"a"}`)},
				{Part: PartStatus, Field: "messages", WABAID: "7", Metadata: number, Raw: raw(`{"id":"b"}`)},
				{Part: PartStatus, Field: "messages", WABAID: "7", Metadata: number, Raw: raw(`{"id":"c"}`)},
				{Part: PartError, Field: "messages", WABAID: "7", Metadata: number, Raw: raw(`{"code":1}`)},
			},
		},
		"another field, with numbers for strings": {
			body: `{"entry":[{"id":7,"time":1731617831,"changes":[{"value":{"event":"X"},"field":"account_update"}]}],"object":"whatsapp_business_account"}`,
			want: []Item{{
				Part:   PartField,
				Field:  "account_update",
				WABAID: "7",
				Time:   "1731617831",
				Raw:    raw(`{"event":"X"}`),
			}},
		},
		"user actions arrive on messages": {
			body: change(`{"user_actions":[]}`),
			want: []Item{{
				Part:   PartUnknown,
				Field:  "messages",
				WABAID: "7",
				Raw:    raw(`{"field":"messages","value":{"user_actions":[]}}`),
			}},
		},
		"what stands beside messages is kept too": {
			body: change(`{"messages":[{"id":"a"}],"statuses":{},"extra":1}`),
			want: []Item{
				{Part: PartMessage, Field: "messages", WABAID: "7", Raw: raw(`{"id":"a"}`)},
				{
					Part:   PartUnknown,
					Field:  "messages",
					WABAID: "7",
					Raw:    raw(`{"field":"messages","value":{"messages":[{"id":"a"}],"statuses":{},"extra":1}}`),
				},
			},
		},
		"one bad change does not cost the others": {
			body: `{"object":"whatsapp_business_account","entry":[3,{"id":"7","changes":["x",{"field":"f","value":{}}]}]}`,
			want: []Item{{Part: PartUnknown, Raw: raw(`3`)}, {Part: PartUnknown, WABAID: "7", Raw: raw(`"x"`)}, {
				Part:   PartField,
				Field:  "f",
				WABAID: "7",
				Raw:    raw(`{}`),
			}},
		},
		"another object": {body: `{"object":"page","entry":[{}]}`, want: []Item{{
			Part:  PartUnknown,
			Field: "page",
			Raw:   raw(`{"object":"page","entry":[{}]}`),
		}}},
		"no entry": {body: `{"object":"whatsapp_business_account","entry":[]}`, want: []Item{{
			Part:  PartUnknown,
			Field: ObjectBusinessAccount,
			Raw:   raw(`{"object":"whatsapp_business_account","entry":[]}`),
		}}},
		"not even an object": {body: `[1]`, want: []Item{{Part: PartUnknown, Raw: raw(`[1]`)}}},
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

func FuzzSplit(f *testing.F) {
	f.Add([]byte(change(`{"messages":[{"id":1,"timestamp":[]}],"statuses":[{"errors":{}}]}`)))
	f.Add([]byte(`{"object":"whatsapp_business_account","entry":[{"changes":[null]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := Split(body)
		if err != nil {
			return
		}

		if len(items) == 0 {
			t.Fatal("a delivery that was accepted became nothing")
		}

		for _, item := range items {
			stored, err := json.Marshal(item)
			if err != nil {
				t.Fatalf("item cannot be stored: %v", err)
			}

			if _, err := Decode(stored); err != nil {
				t.Fatalf("item cannot be read back: %v", err)
			}
		}
	})
}

func TestConversation(t *testing.T) {
	for name, tc := range map[string]struct {
		message Message
		want    string
	}{
		"by number":      {Message{From: "573", FromUserID: "CO.1"}, "42:573"},
		"number hidden":  {Message{FromUserID: "CO.1"}, "42:CO.1"},
		"group":          {Message{From: "573", GroupID: "g"}, "42:group:g"},
		"nobody, itself": {Message{ID: "wamid.x"}, "42:message:wamid.x"},
	} {
		if got := tc.message.Conversation("42"); got != tc.want {
			t.Errorf("%s: Conversation() = %q, want %q", name, got, tc.want)
		}
	}
}

func TestMessageToleratesOtherTypes(t *testing.T) {
	m, err := ParseMessage(raw(`{"id":17,"from":null,"timestamp":1749416383,"type":"text","text":{"body":true}}`))
	if err != nil {
		t.Fatal(err)
	}

	if m.ID != "17" || m.From != "" || m.TextBody() != "true" {
		t.Errorf("ParseMessage() = %+v, body %q", m, m.TextBody())
	}

	if got, want := UnixTime(m.Timestamp, time.Time{}), time.Unix(1749416383, 0).UTC(); got != want {
		t.Errorf("UnixTime() = %v, want %v", got, want)
	}

	fallback := time.Unix(5, 0)
	if got := UnixTime("WEBHOOK_TRIGGER_TIMESTAMP", fallback); got != fallback {
		t.Errorf("UnixTime(placeholder) = %v, want the fallback", got)
	}
}

func TestStatus(t *testing.T) {
	s, err := ParseStatus(raw(`{"id":"w","status":"failed","participant_recipient_id":"1","errors":[{"code":131049}],"biz_opaque_callback_data":"abc:0"}`))
	if err != nil {
		t.Fatal(err)
	}

	if s.ErrorCode != 131049 || s.Participant != "1" || s.Callback != "abc:0" {
		t.Errorf("ParseStatus() = %+v", s)
	}

	order := []Text{"warning", "sent", "failed", "delivered", "read", "played"}
	if !slices.IsSortedFunc(order, func(a, b Text) int { return Status{Status: a}.Rank() - Status{Status: b}.Rank() }) {
		t.Errorf("ranks do not rise along %v", order)
	}

	if (Status{Type: "payment", Status: "captured"}).Rank() <= (Status{Type: "payment", Status: "pending"}).Rank() {
		t.Error("a captured payment must rank above a pending one")
	}
}
