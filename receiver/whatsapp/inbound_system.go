// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"slices"
)

// System tells that something about the person changed.
type System struct {
	Type                 Text
	Body                 Text // holds the person's name and numbers
	WaID                 Text // the new one
	UserID               Text // the new business-scoped user id
	ParentUserID         Text
	PreviousUserID       Text
	PreviousParentUserID Text
}

// changes are the types that announce a new phone number or user id; the second is the one of before Graph API v12.
var changes = []Text{"user_changed_number", "customer_changed_number", "user_changed_user_id"}

// System reads a message of type system.
func (m Message) System() (System, bool) {
	var s struct {
		Type                 Text `json:"type"`
		Body                 Text `json:"body"`
		WaID                 Text `json:"wa_id"`
		NewWaID              Text `json:"new_wa_id"` // before Graph API v12
		UserID               Text `json:"user_id"`
		ParentUserID         Text `json:"parent_user_id"`
		PreviousUserID       Text `json:"previous_user_id"`
		PreviousParentUserID Text `json:"previous_parent_user_id"`
	}
	if !m.read("system", &s) {
		return System{}, false
	}

	return System{
		Type:                 s.Type,
		Body:                 s.Body,
		WaID:                 cmp.Or(s.WaID, s.NewWaID),
		UserID:               s.UserID,
		ParentUserID:         s.ParentUserID,
		PreviousUserID:       s.PreviousUserID,
		PreviousParentUserID: s.PreviousParentUserID,
	}, true
}

// NewConversations returns the lanes under which the person is found from now on, besides those that the message itself
// is found under: by the new number, and by the new user id. It is empty for anything but a change of one of them.
func (m Message) NewConversations(phoneNumberID string) []string {
	system, ok := m.System()
	if !ok || m.GroupID != "" || !slices.Contains(changes, system.Type) {
		return nil
	}

	var lanes []string
	for _, name := range []string{lane(phoneNumberID, "", system.WaID, ""), lane(phoneNumberID, "", "", system.UserID)} {
		if name != "" && name != m.Conversation(phoneNumberID) && name != m.Alias(phoneNumberID) {
			lanes = append(lanes, name)
		}
	}

	return lanes
}
