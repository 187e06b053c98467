// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"testing"
)

func TestReadForms(t *testing.T) {
	checkReplies(t, map[string]Reply{
		`{"type":"flow","text":"t","header":"H","footer":"f","button_text":"Book","flow_id":123456789012345678,"flow_token":7,"screen":"FIRST","data":{"a":1}}`: {
			Kind:   KindFlow,
			Text:   "t",
			Header: "H",
			Footer: "f",
			Flow: &Flow{
				Label:  "Book",
				ID:     "123456789012345678",
				Token:  "7",
				Screen: "FIRST",
				Data:   json.RawMessage(`{"a":1}`),
			},
		},
		`{"type":"flow","text":"t","button_text":"Book","flow_name":"booking","mode":"draft","flow_action":"data_exchange","data":null}`: {
			Kind: KindFlow,
			Text: "t",
			Flow: &Flow{
				Label:  "Book",
				Name:   "booking",
				Mode:   "draft",
				Action: "data_exchange",
			},
		},
		`{"type":"location_request","text":"t"}`:     {Kind: KindLocationRequest, Text: "t"},
		`{"type":"request_contact_info","text":"t"}`: {Kind: KindContactRequest, Text: "t"},
		`{"type":"call_permission"}`:                 {Kind: KindCallRequest},
		`{"type":"address","text":"t","country":"IN","values":{"city":"Mumbai"},"saved_addresses":[{"id":"1","value":{"city":"Delhi"}}],"validation_errors":{"city":"?"}}`: {
			Kind: KindAddress,
			Text: "t",
			Address: &Address{
				Country: "IN",
				Values:  map[string]string{"city": "Mumbai"},
				Saved:   []SavedAddress{{ID: "1", Values: map[string]string{"city": "Delhi"}}},
				Errors:  map[string]string{"city": "?"},
			},
		},
		`{"type":"contacts","contacts":[{"name":{"formatted_name":"Ana"}}]}`: {
			Kind:     KindContacts,
			Contacts: []json.RawMessage{json.RawMessage(`{"name":{"formatted_name":"Ana"}}`)},
		},
	})
	checkRefused(t, map[string]string{
		`{"type":"flow","text":"t","button_text":"mother"}`:                               "a flow without flow_id or flow_name",
		`{"type":"flow","text":"t","button_text":"mother","flow_id":"7","flow_name":"a"}`: "or with both",
		`{"type":"flow","text":"t","button_text":["mother"],"flow_id":"7"}`:               "malformed: button_text",
		`{"type":"flow","text":{"mother":1},"flow_id":"7"}`:                               "malformed: text",
		`{"type":"location_request","text":["mother"]}`:                                   "malformed: text",
		`{"type":"address","text":"t","country":"IN","values":{"city":["mother"]}}`:       "malformed: values",
		`{"type":"contacts","contacts":[]}`:                                               "contacts without a contact",
		`{"type":"contacts","contacts":"mother"}`:                                         "malformed: contacts",
	})
}

func TestReadProducts(t *testing.T) {
	rose := Product{CatalogID: "1", RetailerID: "rose"}

	checkReplies(t, map[string]Reply{
		`{"type":"product","text":"t","footer":"f","catalog_id":1,"product_retailer_id":"rose"}`: {
			Kind:    KindProduct,
			Text:    "t",
			Footer:  "f",
			Product: &rose,
		},
		`{"type":"product_list","text":"t","header":"H","catalog_id":"1","sections":[{"title":"S","product_items":["rose",7,{"product_retailer_id":"oak"}]}]}`: {
			Kind:   KindProducts,
			Text:   "t",
			Header: "H",
			Products: &Products{
				CatalogID: "1",
				Sections:  []ProductSection{{Title: "S", RetailerIDs: []string{"rose", "7", "oak"}}},
			},
		},
		`{"type":"catalog","text":"t","footer":"f","thumbnail_product_retailer_id":"rose"}`: {
			Kind:      KindCatalog,
			Text:      "t",
			Footer:    "f",
			Thumbnail: "rose",
		},
		`{"type":"carousel","text":"t","cards":[{"header":{"type":"image","url":"https://a.example/b"},"text":"c","url":"https://a.example"},{"header":{"type":"video","media_id":"7"},"buttons":["A"]},{"catalog_id":"1","product_retailer_id":"rose"}]}`: {
			Kind: KindCarousel,
			Text: "t",
			Cards: []Card{
				{
					Media: &ReplyMedia{Type: "image", URL: "https://a.example/b"},
					Text:  "c",
					Link:  &Link{Label: "a.example", URL: "https://a.example"},
				},
				{Media: &ReplyMedia{Type: "video", MediaID: "7"}, Buttons: []Option{{ID: "A", Title: "A"}}},
				{Product: &rose},
			},
		},
	})
	checkRefused(t, map[string]string{
		`{"type":"product","text":"mother","catalog_id":"1"}`:                                  "a product without catalog_id or product_retailer_id",
		`{"type":"product","catalog_id":["mother"],"product_retailer_id":"a"}`:                 "malformed: catalog_id",
		`{"type":"product_list","catalog_id":"1","sections":[{"product_items":[["mother"]]}]}`: "unexpected JSON type",
		`{"type":"catalog","text":["mother"]}`:                                                 "malformed: text",
		`{"type":"carousel","text":"t","cards":["mother"]}`:                                    "of an unexpected JSON type",
		`{"type":"carousel","text":"t","cards":[{"header":{"type":"mother"}}]}`:                "header has a type other",
		`{"type":"carousel","text":"t","cards":[{"url":"mother"}]}`:                            "not an absolute https URL",
		`{"type":"carousel","text":"t","cards":[{"catalog_id":"mother"}]}`:                     "a product without catalog_id",
	})
}

func TestReadVoice(t *testing.T) {
	checkReplies(t, map[string]Reply{
		`{"type":"audio","media_id":"7","voice":true}`: {
			Kind: KindMedia,
			Media: &ReplyMedia{
				Type:    "audio",
				MediaID: "7",
				Voice:   true,
			},
		},
	})
}
