// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "cmp"

// System reports a change of a person's phone number or user id.
type System struct {
	Type           Text
	WaID           Text // the new one
	UserID         Text // the new business-scoped user id
	PreviousUserID Text
}

// identityChanges are the types for a new phone number or user id. The second was used before Graph API v12.
var identityChanges = []Text{"user_changed_number", "customer_changed_number", "user_changed_user_id"}

// System reads a message of type system.
func (m Message) System() (System, bool) {
	var s struct {
		Type           Text `json:"type"`
		WaID           Text `json:"wa_id"`
		NewWaID        Text `json:"new_wa_id"` // before Graph API v12
		UserID         Text `json:"user_id"`
		PreviousUserID Text `json:"previous_user_id"`
	}
	if !m.read("system", &s) {
		return System{}, false
	}

	return System{
		Type:           s.Type,
		WaID:           cmp.Or(s.WaID, s.NewWaID),
		UserID:         s.UserID,
		PreviousUserID: s.PreviousUserID,
	}, true
}
