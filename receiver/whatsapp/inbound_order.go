// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "encoding/json"

// Order is a cart that a person sent.
type Order struct {
	CatalogID Text
	Text      Text            // what the person wrote with it
	Raw       json.RawMessage // all of it, with product_items, as Meta sent it
}

// Order reads a message of type order.
func (m Message) Order() (Order, bool) {
	var o struct {
		CatalogID Text `json:"catalog_id"`
		Text      Text `json:"text"`
	}
	if !m.read("order", &o) {
		return Order{}, false
	}

	return Order{
		CatalogID: o.CatalogID,
		Text:      o.Text,
		Raw:       m.property("order"),
	}, true
}
