// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"strings"
	"testing"
)

// A delivery with more elements than Meta ever sends has a bounded number of items, and loses nothing.
func TestSplitIsBounded(t *testing.T) {
	list := func(element string, n int) string { return "[" + strings.Repeat(element+",", n-1) + element + "]" }
	change := func(value string) string { return `{"field":"messages","value":{` + value + `}}` }
	delivery := func(entries string) string {
		return `{"object":"whatsapp_business_account","entry":` + entries + `}`
	}
	entry := func(changes string) string { return `{"id":"7","changes":` + changes + `}` }

	messages := func(n int) string { return `"messages":` + list(`{"id":"w","from":"5"}`, n) }
	for name, tc := range map[string]struct {
		body    string
		items   int
		unknown int
	}{
		"the limit":                   {delivery(list(entry(list(change(messages(maxItems)), 1)), 1)), maxItems, 0},
		"one message above the limit": {delivery(list(entry(list(change(messages(maxItems+1)), 1)), 1)), 1, 1},
		"messages in many changes":    {delivery(list(entry(list(change(messages(maxItems/4)), 6)), 1)), maxItems + 2, 2},
		"changes":                     {delivery(list(entry(list(`{}`, maxItems+1)), 1)), 1, 1},
		"changes in many entries":     {delivery(list(entry(list(`{}`, maxItems/4)), 6)), maxItems + 2, maxItems + 2},
		"entries":                     {delivery(list(`{}`, maxItems+1)), 1, 1},
		"contacts":                    {delivery(list(entry(list(change(`"contacts":`+list(`{"wa_id":"5"}`, maxItems+1)+","+messages(3)), 1)), 1)), 4, 1},
		"contacts and messages":       {delivery(list(entry(list(change(`"contacts":`+list(`{"wa_id":"6"}`, maxItems)+","+messages(maxItems)), 1)), 1)), maxItems, 0},
	} {
		t.Run(name, func(t *testing.T) {
			items, err := Split([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}

			unknown := 0
			size := 0

			for _, item := range items {
				if item.Kind == ItemUnknown {
					unknown++
				}

				size += len(item.Raw)

				if !json.Valid(item.Raw) {
					t.Fatal("an item is not valid JSON")
				}
			}

			if len(items) != tc.items || unknown != tc.unknown {
				t.Errorf("%d items, %d of them unknown, want %d and %d", len(items), unknown, tc.items, tc.unknown)
			}

			if tc.unknown == 1 && tc.items == 1 && size < len(tc.body)-100 {
				t.Errorf("the items have %d of %d bytes", size, len(tc.body))
			}
		})
	}
}

// A value that all items of a delivery share must not multiply the stored bytes.
func TestSplitRepeatsLittle(t *testing.T) {
	large := `"` + strings.Repeat("x", 1<<20) + `"`
	messages := strings.Repeat(`{"id":"w","from":"5"},`, 999) + `{"id":"w","from":"5"}`

	delivery := func(id, field, metadata, contacts string) string {
		return `{"object":"whatsapp_business_account","entry":[{"id":` + id + `,"changes":[{"field":` + field + `,"value":{"metadata":{"phone_number_id":` +
			metadata + `},"contacts":` + contacts + `,"messages":[` + messages + `]}}]}]}`
	}
	for name, body := range map[string]string{
		"entry":         delivery(large, `"messages"`, `"42"`, `[]`),
		"field":         delivery(`"7"`, large, `"42"`, `[]`),
		"metadata":      delivery(`"7"`, `"messages"`, large, `[]`),
		"one contact":   delivery(`"7"`, `"messages"`, `"42"`, `[{"wa_id":"5","x":`+large+`}]`),
		"many contacts": delivery(`"7"`, `"messages"`, `"42"`, `[{"wa_id":"5","x":`+large+`},{"wa_id":"6"}]`),
	} {
		t.Run(name, func(t *testing.T) {
			items, err := Split([]byte(body))
			if err != nil {
				t.Fatal(err)
			}

			size := 0
			complete := false

			for _, item := range items {
				payload, err := json.Marshal(item)
				if err != nil {
					t.Fatal(err)
				}

				size += len(payload)
				complete = complete || strings.Contains(string(payload), large)
			}

			if size > 3*len(body) || !complete {
				t.Errorf("%d bytes became %d, complete: %t", len(body), size, complete)
			}
		})
	}
}
