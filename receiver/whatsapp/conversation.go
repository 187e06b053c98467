// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "slices"

// lane names the conversation of a phone number with a group or a person. It is empty if neither is known.
func lane(phoneNumberID string, groupID, waID, userID Text) string {
	switch {
	case groupID != "":
		return phoneNumberID + ":group:" + string(groupID)
	case waID != "":
		return phoneNumberID + ":" + string(waID)
	case userID != "":
		return phoneNumberID + ":" + string(userID)
	}

	return ""
}

// Conversation returns the lane of a message to phoneNumberID: by group, else by the person's wa_id, else by the
// business-scoped user id. It depends on the message alone. A change of user id belongs to the previous user id. A message
// without any of these has a lane of its own.
func (m Message) Conversation(phoneNumberID string) string {
	if name := lane(phoneNumberID, m.GroupID, m.From, m.userID()); name != "" {
		return name
	}

	return phoneNumberID + ":message:" + string(m.ID)
}

// Alias returns the lane of the same person's messages when the phone number is hidden. It is empty if the message does
// not contain the user id, if the user id already names its lane, or if the lane is a group's.
func (m Message) Alias(phoneNumberID string) string {
	if m.GroupID != "" || m.From == "" {
		return ""
	}

	return lane(phoneNumberID, "", "", m.userID())
}

// userID returns the business-scoped user id of the person at the time of the message.
func (m Message) userID() Text {
	if m.FromUserID != "" {
		return m.FromUserID
	}

	system, _ := m.System()

	return system.PreviousUserID
}

// NewConversations returns the lanes of the person's future messages after a change of phone number or user id, without
// the lanes of this message. It is empty for all other messages.
func (m Message) NewConversations(phoneNumberID string) []string {
	system, ok := m.System()
	if !ok || m.GroupID != "" || !slices.Contains(identityChanges, system.Type) {
		return nil
	}

	current := []string{"", m.Conversation(phoneNumberID), m.Alias(phoneNumberID)}
	byNumber := lane(phoneNumberID, "", system.WaID, "")
	byUserID := lane(phoneNumberID, "", "", system.UserID)

	var lanes []string

	for _, name := range []string{byNumber, byUserID} {
		if !slices.Contains(current, name) {
			lanes = append(lanes, name)
		}
	}

	return lanes
}

// Conversation returns the lane of the person or group that the echo went to. It is empty if Meta does not name them.
func (e Echo) Conversation(phoneNumberID string) string {
	return lane(phoneNumberID, e.GroupID, e.To, e.ToUserID)
}

// Alias returns the person's lane by user id if Conversation returns the lane by phone number. Else it is empty.
func (e Echo) Alias(phoneNumberID string) string {
	if e.GroupID != "" || e.To == "" {
		return ""
	}

	return lane(phoneNumberID, "", "", e.ToUserID)
}

// Conversation returns the conversation of the person or group that the message went to. It is empty if Meta does not name them.
func (s Status) Conversation(phoneNumberID string) string {
	if s.RecipientType == "group" {
		return lane(phoneNumberID, s.Recipient, "", "")
	}

	return lane(phoneNumberID, "", s.Recipient, s.RecipientUser)
}
