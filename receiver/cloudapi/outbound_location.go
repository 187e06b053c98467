// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import "math"

// LocationContent is a location. Latitude and Longitude are in degrees.
type LocationContent struct {
	Latitude  float64
	Longitude float64
	Name      string // optional
	Address   string // optional; shown only with a name
}

type locationObject struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
}

func (c LocationContent) put(message *outbound) (int, error) {
	// Comparisons with NaN are false, so the negation refuses it too.
	if !(math.Abs(c.Latitude) <= 90) || !(math.Abs(c.Longitude) <= 180) {
		return 0, invalidMessage("the location is not on earth: give a latitude from -90 to 90 and a longitude from -180 to 180")
	}

	message.Type = "location"
	message.Location = &locationObject{
		Latitude:  c.Latitude,
		Longitude: c.Longitude,
		Name:      c.Name,
		Address:   c.Address,
	}

	return 0, nil
}
