// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzParse parses arbitrary deliveries, as Meta or a holder of the app secret could send them. Every result must be
// valid for encoding.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/deliveries/*.json")
	if err != nil {
		f.Fatal(err)
	}

	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}

		f.Add(body)
	}

	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := Split(body)
		if err != nil {
			return
		}

		for _, item := range items {
			// Each item is also parsed as every other part.
			for _, part := range []ItemKind{ItemMessage, ItemStatus, ItemError, ItemField} {
				item.Kind = part
				if _, err := json.Marshal(parse(item)); err != nil {
					t.Fatalf("a parsed %s cannot be encoded: %v", part, err)
				}
			}
		}
	})
}

func TestMessageType(t *testing.T) {
	body := `{"id":"a","type":"%","text":{},"image":{},"location":{"latitude":1,"longitude":2},"contacts":[],"interactive":{},"button":{},"system":{}}`

	m, err := ParseMessage(raw(body))
	if err != nil {
		t.Fatal(err)
	}

	for _, typ := range []Text{"text", "image", "location", "contacts", "interactive", "button", "system", "%"} {
		m.Type = typ
		read := map[Text]bool{}
		_, read["image"] = m.Media()
		_, read["location"] = m.Location()
		_, read["contacts"] = m.Contacts()
		_, read["interactive"] = m.Interactive()
		_, read["button"] = m.Button()
		_, read["system"] = m.System()

		for accessor, ok := range read {
			if ok != (accessor == typ) {
				t.Errorf("a message of type %s is read as %s: %t", typ, accessor, ok)
			}
		}
	}
}

func TestParseMessageToleratesUnexpectedShapes(t *testing.T) {
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

// A choice without a type is of the kind whose body it has.
func TestChoiceWithoutType(t *testing.T) {
	for body, want := range map[string]InteractiveKind{
		`{"list_reply":{"id":"a"}}`:                     ListReply,
		`{"button_reply":null,"list_reply":{"id":"a"}}`: ListReply,
		`{"button_reply":"a"}`:                          InteractiveOther,
		`{}`:                                            InteractiveOther,
	} {
		m, err := ParseMessage(raw(`{"type":"interactive","interactive":` + body + `}`))
		if err != nil {
			t.Fatal(err)
		}

		if got, ok := m.Interactive(); !ok || got.Kind != want {
			t.Errorf("choice %s is of kind %q, %t; want %q", body, got.Kind, ok, want)
		}
	}
}

func TestContactsOrigin(t *testing.T) {
	for raw, want := range map[string]string{
		`{"type":"contacts","origin":"contact_request","contacts":[{}]}`:                   "contact_request",
		`{"type":"contacts","contacts":[{"origin":"other"},{"origin":"contact_request"}]}`: "other",
		`{"type":"contacts","contacts":[{}]}`:                                              "",
		`{"type":"contacts","contacts":"none"}`:                                            "",
	} {
		m, err := ParseMessage(json.RawMessage(raw))
		if err != nil {
			t.Fatal(err)
		}

		if got := m.ContactsOrigin(); got != want {
			t.Errorf("ContactsOrigin() = %q, want %q; message %s", got, want, raw)
		}
	}
}
