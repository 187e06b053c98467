// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	ofIndia := Reply{To: Recipient{WaID: "919876543210"}}
	ofSingapore := Reply{To: Recipient{UserID: "SG.13491208655302741918"}}
	form := func(change func(*AddressContent)) AddressContent {
		content := AddressContent{Frame: Frame{Text: "Where to?"}, Country: "IN"}
		change(&content)

		return content
	}

	for name, tc := range map[string]struct {
		reply   Reply
		content Content
		want    string
	}{
		"of a number": {
			ofIndia,
			form(func(c *AddressContent) {
				c.Header = "H"
				c.Values = map[string]string{"city": "Mumbai", "in_pin_code": "400063"}
				c.Errors = map[string]string{"in_pin_code": "There is no such code."}
			}),
			`{"type":"address_message","header":{"type":"text","text":"H"},"body":{"text":"Where to?"},"action":{"name":"address_message","parameters":{"country":"IN","values":{"city":"Mumbai","in_pin_code":"400063"},"validation_errors":{"in_pin_code":"There is no such code."}}}}`,
		},
		"of a user id": {
			ofSingapore,
			form(func(c *AddressContent) {
				c.Country = "SG"
				c.Saved = []SavedAddress{{ID: "1", Values: map[string]string{"sg_post_code": "018956"}}}
			}),
			`{"type":"address_message","body":{"text":"Where to?"},"action":{"name":"address_message","parameters":{"country":"SG","saved_addresses":[{"id":"1","value":{"sg_post_code":"018956"}}]}}}`,
		},
	} {
		encoded, err := Encode(tc.reply, tc.content)
		if err != nil || !strings.Contains(string(encoded.Body), `"interactive":`+tc.want) {
			t.Errorf("%s: Encode() = %s, %v; want %s", name, encoded.Body, err, tc.want)
		}
	}

	for want, content := range map[string]AddressContent{
		"the text above the address form is empty": form(func(c *AddressContent) { c.Text = "" }),
		"an unknown country":                       form(func(c *AddressContent) { c.Country = "CO" }),
		"not of the address's country":             form(func(c *AddressContent) { c.Country = "SG" }),
		"has a file in its header":                 form(func(c *AddressContent) { c.HeaderMedia = &MediaContent{Type: "image", ID: "7"} }),
		"does not know in this country":            form(func(c *AddressContent) { c.Values = map[string]string{"unit_number": "7"} }),
		"in_pin_code has more than 6 characters":   form(func(c *AddressContent) { c.Values = map[string]string{"in_pin_code": "4000631"} }),
		"saved address 1 has no id":                form(func(c *AddressContent) { c.Saved = []SavedAddress{{}} }),
		"saved address 2 has no id of its own":     form(func(c *AddressContent) { c.Saved = []SavedAddress{{ID: "1"}, {ID: "1"}} }),
	} {
		if _, err := Encode(ofIndia, content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Encode() error = %v, want one with %q", err, want)
		}
	}
}

func TestContactCards(t *testing.T) {
	cards := func(cards ...string) ContactsContent {
		content := ContactsContent{}
		for _, card := range cards {
			content.Contacts = append(content.Contacts, json.RawMessage(card))
		}

		return content
	}

	checkEncoded(t, "contacts", map[string]encodedContent{
		"one name": {
			content: cards(`{"name":{"formatted_name":"Ana"},"phones":[{"phone":"+573001234567","wa_id":573001234567,"type":"CELL"}]}`),
			want:    `[{"name":{"formatted_name":"Ana","first_name":"Ana"},"phones":[{"phone":"+573001234567","wa_id":"573001234567","type":"CELL"}]}]`,
		},
		"parts of a name": {
			content: cards(`{"name":{"first_name":"Ana","last_name":"Ruiz","prefix":"Dr."}}`),
			want:    `[{"name":{"formatted_name":"Dr. Ana Ruiz","first_name":"Ana","last_name":"Ruiz","prefix":"Dr."}}]`,
		},
		"a company": {
			content: cards(`{"org":{"company":"Shrubs"},"urls":[{"url":"https://shrubs.example","type":"WORK"}]}`),
			want:    `[{"name":{"formatted_name":"Shrubs","first_name":"Shrubs"},"org":{"company":"Shrubs"},"urls":[{"url":"https://shrubs.example","type":"WORK"}]}]`,
		},
		"a card that a person sent": {
			content: cards(`{"origin":"other","vcard":"BEGIN:VCARD","name":{"formatted_name":"Ana","first_name":"A"},"birthday":"1999-01-23","emails":[{"email":"ana@mail.example"}],"addresses":[{"city":"Cali","country_code":"CO"}]}`),
			want:    `[{"name":{"formatted_name":"Ana","first_name":"A"},"birthday":"1999-01-23","emails":[{"email":"ana@mail.example"}],"addresses":[{"city":"Cali","country_code":"CO"}]}]`,
		},
	})
	checkUnfit(t, map[string]Content{
		"there are 0 contacts":                cards(),
		"there are 258 contacts":              cards(make([]string, 258)...),
		"contact 2 does not have Meta's form": cards(`{"name":{"formatted_name":"A"}}`, `["`+secret+`"]`),
		"contact 1 has no name":               cards(`{"phones":[{"phone":"` + secret + `"}]}`),
		"contact 1 has a birthday":            cards(`{"name":{"formatted_name":"A"},"birthday":"` + secret + `"}`),
	})
}
