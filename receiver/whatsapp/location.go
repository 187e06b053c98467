// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "encoding/json"

// Location is a place that a person shared, in degrees.
type Location struct {
	Latitude  float64
	Longitude float64
	Name      Text
	Address   Text
}

// Location reads a message of type location. ok is false unless both coordinates are numbers.
func (m Message) Location() (location Location, ok bool) {
	var l struct {
		Latitude  Text `json:"latitude"`
		Longitude Text `json:"longitude"`
		Name      Text `json:"name"`
		Address   Text `json:"address"`
	}
	if !m.read("location", &l) {
		return Location{}, false
	}

	latitude, latitudeOK := l.Latitude.Number()
	longitude, longitudeOK := l.Longitude.Number()

	if !latitudeOK || !longitudeOK {
		return Location{}, false
	}

	return Location{
		Latitude:  latitude,
		Longitude: longitude,
		Name:      l.Name,
		Address:   l.Address,
	}, true
}

// Contacts returns the address cards of a message of type contacts: the JSON array as Meta sent it, since every property
// of a card is optional.
func (m Message) Contacts() (cards json.RawMessage, ok bool) {
	if m.Type != "contacts" {
		return nil, false
	}

	cards = m.property("contacts")
	if len(cards) == 0 || cards[0] != '[' {
		return nil, false
	}

	return cards, true
}

// ContactsOrigin returns why a person sent contacts: contact_request if they answered a request for their phone number,
// other if they chose the cards. Meta's samples have it on the message, on the card, or on both. It is empty in messages of
// before the requests.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
func (m Message) ContactsOrigin() string {
	var message struct {
		Origin   Text `json:"origin"`
		Contacts []struct {
			Origin Text `json:"origin"`
		} `json:"contacts"`
	}

	_ = json.Unmarshal(m.Raw, &message) // another shape has no origin
	if message.Origin == "" && len(message.Contacts) > 0 {
		message.Origin = message.Contacts[0].Origin
	}

	return string(message.Origin)
}
