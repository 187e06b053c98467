// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"slices"
)

// System reports something about a person, such as a change of the phone number or user id.
type System struct {
	Type     Text
	New      Person // the names from now on
	Previous Person
}

// identityChanges are the types for a new phone number or user id. The second was used before Graph API v12.
var identityChanges = []Text{"user_changed_number", "customer_changed_number", "user_changed_user_id"}

// System reads a message of type system.
func (m Message) System() (System, bool) {
	var s struct {
		Type             Text `json:"type"`
		WaID             Text `json:"wa_id"`
		NewWaID          Text `json:"new_wa_id"` // before Graph API v12
		UserID           Text `json:"user_id"`
		ParentID         Text `json:"parent_user_id"`
		PreviousUserID   Text `json:"previous_user_id"`
		PreviousParentID Text `json:"previous_parent_user_id"`
	}
	if !m.read("system", &s) {
		return System{}, false
	}

	return System{
		Type:     s.Type,
		New:      newPerson(cmp.Or(s.WaID, s.NewWaID), s.UserID, s.ParentID),
		Previous: newPerson("", s.PreviousUserID, s.PreviousParentID),
	}, true
}

// IdentityChange returns the system message if it reports a change of the person's phone number or user id.
func (m Message) IdentityChange() (System, bool) {
	system, ok := m.System()
	if !ok || !slices.Contains(identityChanges, system.Type) {
		return System{}, false
	}

	return system, true
}
