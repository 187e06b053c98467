// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// System reports something about a person, such as a change of the phone number or user id.
type System struct {
	Type     Text
	New      Person // the names from now on
	Previous Person

	body Text // in words
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
		Body             Text `json:"body"`
	}
	if !m.read("system", &s) {
		return System{}, false
	}

	return System{
		Type:     s.Type,
		New:      newPerson(cmp.Or(s.WaID, s.NewWaID), s.UserID, s.ParentID),
		Previous: newPerson("", s.PreviousUserID, s.PreviousParentID),
		body:     s.Body,
	}, true
}

// changedNames matches the end of the words of a change. The person's profile name comes before, and may be anything.
var changedNames = regexp.MustCompile(`\bchanged from (\S+) to (\S+?)\.?\s*$`)

// previousInWords returns the previous number or user id by the words of a change, which alone name it in some of Meta's
// samples. The words have to name the new one as well.
func (s System) previousInWords() Person {
	found := changedNames.FindStringSubmatch(string(s.body))
	if len(found) == 0 || !newPerson(Text(found[2]), "", "").matches(s.New) {
		return Person{}
	}

	previous := newPerson(Text(found[1]), "", "")
	if previous.UserID == "" && strings.Trim(string(previous.WaID), "0123456789") != "" {
		return Person{}
	}

	return previous
}

// IdentityChange returns the system message if it reports a change of the person's phone number or user id.
func (m Message) IdentityChange() (System, bool) {
	system, ok := m.System()
	if !ok || !slices.Contains(identityChanges, system.Type) {
		return System{}, false
	}

	if system.Previous.IsZero() {
		system.Previous = system.previousInWords()
	}

	return system, true
}
