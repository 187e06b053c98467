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
	URL       Text
}

// Location reads a message of type location. It is not ok without both coordinates.
func (m Message) Location() (Location, bool) {
	var l struct {
		Latitude  Text `json:"latitude"`
		Longitude Text `json:"longitude"`
		Name      Text `json:"name"`
		Address   Text `json:"address"`
		URL       Text `json:"url"`
	}
	if !m.read("location", &l) {
		return Location{}, false
	}

	latitude, north := l.Latitude.Number()

	longitude, east := l.Longitude.Number()
	if !north || !east {
		return Location{}, false
	}

	return Location{
		Latitude:  latitude,
		Longitude: longitude,
		Name:      l.Name,
		Address:   l.Address,
		URL:       l.URL,
	}, true
}

// Contacts returns the address cards of a message of type contacts: a JSON array, as Meta sent it, since everything in
// a card is optional.
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
