// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// AddressContent is a text with a form for the person's address. Meta has it for businesses and people of the same country:
// India or Singapore.
//
// Sources: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/address-messages
// and, for Singapore, its version at https://docs.360dialog.com/partner/messaging/interactive-messages/address-messages-india-and-singapore-only
type AddressContent struct {
	Frame          // without HeaderMedia
	Country string // IN or SG
	Values  map[string]string
	Saved   []SavedAddress    // earlier addresses that the person can choose from
	Errors  map[string]string // by field, why the person has to correct it
}

// SavedAddress is an address that the person gave before. WhatsApp returns its id when the person selects it.
type SavedAddress struct {
	ID     string            `json:"id"`
	Values map[string]string `json:"value"`
}

type addressParameters struct {
	Country string            `json:"country"`
	Values  map[string]string `json:"values,omitempty"`
	Saved   []SavedAddress    `json:"saved_addresses,omitempty"`
	Errors  map[string]string `json:"validation_errors,omitempty"`
}

// addressCountry is a country that has address messages.
type addressCountry struct {
	callingCode string
	postalCode  string // its field has at most 6 characters
	fields      []string
}

var addressCountries = map[string]addressCountry{
	"IN": {
		callingCode: "91",
		postalCode:  "in_pin_code",
		fields: []string{
			"name", "phone_number", "in_pin_code", "house_number", "floor_number", "tower_number", "building_name", "address",
			"landmark_area", "city", "state",
		},
	},
	"SG": {
		callingCode: "65",
		postalCode:  "sg_post_code",
		fields:      []string{"name", "phone_number", "sg_post_code", "address", "unit_number", "city"},
	},
}

const maxPostalCode = 6

func (c AddressContent) put(message *outbound) (int, error) {
	if err := checkLength("the text above the address form", c.Text, MaxBodyRunes, "send part of it before"); err != nil {
		return 0, err
	}

	country, known := addressCountries[c.Country]
	if !known {
		return 0, invalidMessage("the address has an unknown country: Meta asks for addresses in IN and SG only")
	}

	if !strings.HasPrefix(message.To, "+"+country.callingCode) && !strings.HasPrefix(message.Recipient, c.Country+".") {
		return 0, invalidMessage("the person is not of the address's country: ask for the address in a text")
	}

	if err := c.check(country); err != nil {
		return 0, err
	}

	if c.HeaderMedia != nil {
		return 0, invalidMessage("the address form has a file in its header: send the file before")
	}

	var cut truncator

	object, err := c.object(&cut, "address_message")
	if err != nil {
		return 0, err
	}

	object.Action.Name = "address_message"
	object.Action.Parameters = addressParameters{
		Country: c.Country,
		Values:  c.Values,
		Saved:   c.Saved,
		Errors:  c.Errors,
	}
	message.setInteractive(object)

	return cut.count, nil
}

func (c AddressContent) check(country addressCountry) error {
	if err := country.check(c.Values); err != nil {
		return err
	}

	for field := range c.Errors {
		if !slices.Contains(country.fields, field) {
			return country.unknownField()
		}
	}

	ids := map[string]bool{}
	for i, address := range c.Saved {
		if isBlank(address.ID) || ids[address.ID] {
			return invalidMessage("saved address %d has no id of its own: give it one", i+1)
		}

		ids[address.ID] = true

		if err := country.check(address.Values); err != nil {
			return err
		}
	}

	return nil
}

func (c addressCountry) check(values map[string]string) error {
	for field, value := range values {
		if !slices.Contains(c.fields, field) {
			return c.unknownField()
		}

		if field == c.postalCode && utf8.RuneCountInString(value) > maxPostalCode {
			return invalidMessage("the address's %s has more than %d characters: shorten it", field, maxPostalCode)
		}
	}

	return nil
}

func (c addressCountry) unknownField() error {
	return invalidMessage("the address has a field that Meta does not know in this country: give those of its page, such as %s",
		c.postalCode)
}
