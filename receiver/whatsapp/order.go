// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "encoding/json"

// Order returns the cart of a message of type order: the JSON object as Meta sent it, with catalog_id, text and
// product_items.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/order
func (m Message) Order() (order json.RawMessage, ok bool) {
	var shape map[string]json.RawMessage
	if !m.read("order", &shape) || shape == nil {
		return nil, false
	}

	return m.property("order"), true
}
