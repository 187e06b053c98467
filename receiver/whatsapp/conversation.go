// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"slices"
	"time"
)

// ServiceWindow is how long after a message or call of a person free-form messages may be sent to that person.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
const ServiceWindow = 24 * time.Hour

// conversation returns the lane of a phone number's conversation with a group or a person, and the aliases of the person's
// lane. The lane is empty if neither is known. A group is a separate conversation, shared by all its participants.
func conversation(phoneNumberID string, group Text, person Person) (lane string, aliases []string) {
	if group != "" {
		return GroupConversation(phoneNumberID, group), nil
	}

	switch lanes := person.lanes(phoneNumberID); len(lanes) {
	case 0:
		return "", nil
	case 1:
		return lanes[0], nil
	default:
		return lanes[0], lanes[1:]
	}
}

// GroupConversation returns the lane of a group.
func GroupConversation(phoneNumberID string, group Text) string {
	return phoneNumberID + ":group:" + string(group)
}

// ConversationKey returns the key by which the AI and people name a conversation. That of a group never names a person.
func ConversationKey(phoneNumberID string, group Text, person Person) string {
	if group != "" {
		return GroupConversation(phoneNumberID, group)
	}

	return phoneNumberID + ":" + string(cmp.Or(person.UserID, person.WaID, person.ParentID))
}

// Conversation returns the lane of a message to phoneNumberID: by group, else by the names of the sender. A message without
// any of these has its own lane.
func (m Message) Conversation(phoneNumberID string) string {
	if lane, _ := conversation(phoneNumberID, m.GroupID, m.Sender()); lane != "" {
		return lane
	}

	return phoneNumberID + ":message:" + string(m.ID)
}

// Aliases returns the further lanes of the sender, which other messages of the same person may have. After a change of
// phone number or user id they include those of the person's future messages. A group has none.
func (m Message) Aliases(phoneNumberID string) []string {
	lane, aliases := conversation(phoneNumberID, m.GroupID, m.Sender())
	if m.GroupID != "" {
		return nil
	}

	change, _ := m.IdentityChange()

	for _, name := range slices.Concat(change.Previous.lanes(phoneNumberID), change.New.lanes(phoneNumberID)) {
		if name != lane && !slices.Contains(aliases, name) {
			aliases = append(aliases, name)
		}
	}

	return aliases
}

// Conversation returns the lane of the person or group that the echo went to, and the aliases of the person's lane. The
// lane is empty if Meta does not name them.
func (e Echo) Conversation(phoneNumberID string) (lane string, aliases []string) {
	return conversation(phoneNumberID, e.GroupID, e.recipient())
}

// recipient returns the person that the echo went to.
func (e Echo) recipient() Person {
	return newPerson(e.To, e.ToUserID, e.ToParentID).with(e.contact.Person)
}

// Conversation returns the lane of the person or group that the message went to, and the aliases of the person's lane. The
// lane is empty if Meta does not name them.
func (s Status) Conversation(phoneNumberID string) (lane string, aliases []string) {
	return conversation(phoneNumberID, s.GroupID, s.Person())
}

// Conversation returns the lane of the person, and its aliases. The lane is empty if Meta does not name the person.
func (h Handover) Conversation(phoneNumberID string) (lane string, aliases []string) {
	return conversation(phoneNumberID, "", h.Person)
}
