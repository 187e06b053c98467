// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"errors"
	"maps"
)

// This file parses deliveries with encoding/json alone, as a reference for the tests: Split and the parsers read the same
// from every delivery, at a tenth of the time.

// referenceSplit is Split.
func referenceSplit(body []byte) ([]Item, error) {
	var delivery struct {
		Object Text              `json:"object"`
		Entry  []json.RawMessage `json:"entry"`
	}

	err := json.Unmarshal(body, &delivery)
	if _, broken := errors.AsType[*json.SyntaxError](err); broken {
		return nil, ErrNotJSON
	}

	entries := len(delivery.Entry)
	if err != nil || delivery.Object != ObjectBusinessAccount || entries == 0 || entries > maxItems {
		return []Item{{
			Kind:  ItemUnknown,
			Field: string(delivery.Object),
			Raw:   body,
		}}, nil
	}

	var items []Item
	for _, entry := range delivery.Entry {
		items = referenceSplitEntry(items, entry)
	}

	return items, nil
}

func referenceSplitEntry(items []Item, raw json.RawMessage) []Item {
	var entry struct {
		ID      Text              `json:"id"`
		Time    Text              `json:"time"`
		Changes []json.RawMessage `json:"changes"`
	}

	err := json.Unmarshal(raw, &entry)
	origin := Item{WABAID: string(entry.ID), Time: string(entry.Time)}
	tooMany := len(items)+len(entry.Changes) > maxItems
	tooLarge := len(entry.ID)+len(entry.Time) > maxCommon

	if err != nil || len(entry.Changes) == 0 || tooMany || tooLarge {
		return append(items, origin.with(ItemUnknown, raw))
	}

	for _, change := range entry.Changes {
		items = referenceSplitChange(items, origin, change)
	}

	return items
}

func referenceSplitChange(items []Item, origin Item, raw json.RawMessage) []Item {
	var change struct {
		Field Text            `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(raw, &change); err != nil {
		return append(items, origin.with(ItemUnknown, raw))
	}

	origin.Field = string(change.Field)
	if change.Field == "" || len(change.Value) == 0 || len(change.Field) > maxCommon {
		return append(items, origin.with(ItemUnknown, raw))
	}

	var value map[string]json.RawMessage

	isObject := json.Unmarshal(change.Value, &value) == nil
	if len(value["metadata"]) > maxCommon {
		return append(items, origin.with(ItemUnknown, raw))
	}

	_ = json.Unmarshal(value["metadata"], &origin.Metadata) // an unexpected shape leaves the number empty

	if change.Field == FieldHandovers {
		_ = json.Unmarshal(value["recipient"], &origin.Metadata) // this field has the number here
	}

	if change.Field != FieldMessages {
		return append(items, origin.with(ItemField, change.Value))
	}

	before := len(items)
	items, rest := referenceSplitValue(items, origin, value)

	switch {
	case !isObject || len(items) == before:
		items = append(items, origin.with(ItemUnknown, raw))
	case len(rest) > 0:
		items = append(items, origin.with(ItemUnknown, encodeChange(string(change.Field), rest)))
	}

	return items
}

func referenceSplitValue(
	items []Item,
	origin Item,
	value map[string]json.RawMessage,
) (_ []Item, rest map[string]json.RawMessage) {
	rest = maps.Clone(value)
	delete(rest, "messaging_product")
	delete(rest, "metadata")

	contacts, ok := referenceContacts(value["contacts"])
	if ok {
		delete(rest, "contacts")
	}

	list := func(key string) (elements []json.RawMessage) {
		if value[key] == nil || json.Unmarshal(value[key], &elements) != nil || len(items)+len(elements) > maxItems {
			return nil
		}

		delete(rest, key)

		return elements
	}

	messages := list("messages")
	for i, contact := range contacts.ofMessages(messages) {
		item := origin.with(ItemMessage, messages[i])
		item.Contact = contact
		items = append(items, item)
	}

	for _, status := range list("statuses") {
		items = append(items, origin.with(ItemStatus, status))
	}

	for _, reported := range list("errors") {
		items = append(items, origin.with(ItemError, reported))
	}

	return items, rest
}

// referenceContact is ParseContact.
func referenceContact(raw json.RawMessage) Contact {
	var c struct {
		WaID     Text            `json:"wa_id"`
		UserID   Text            `json:"user_id"`
		ParentID Text            `json:"parent_user_id"`
		Profile  json.RawMessage `json:"profile"`
	}
	if readObject(raw, &c) != nil {
		return Contact{}
	}

	var profile struct {
		Name     Text `json:"name"`
		Username Text `json:"username"`
	}

	_ = readObject(c.Profile, &profile) // an unexpected shape leaves the names empty

	return Contact{
		Person:   newPerson(c.WaID, c.UserID, c.ParentID),
		Name:     profile.Name,
		Username: profile.Username,
	}
}

// referenced are value.contacts, parsed and as Meta sent them.
type referenced []struct {
	Contact
	raw json.RawMessage
}

func referenceContacts(raw json.RawMessage) (_ referenced, ok bool) {
	var (
		elements []json.RawMessage
		only     map[string]json.RawMessage
	)

	isList := len(raw) == 0 || json.Unmarshal(raw, &elements) == nil

	switch isObject := json.Unmarshal(raw, &only) == nil; {
	case !isList && !isObject:
		return nil, false
	case !isList:
		elements = []json.RawMessage{raw}
	}

	if len(elements) > maxItems {
		return nil, false
	}

	ok = true

	all := make(referenced, len(elements))
	for i, element := range elements {
		if len(element) > maxCommon {
			element = referenceContact(element).names()
			ok = false
		}

		all[i].Contact = referenceContact(element)
		all[i].raw = element
	}

	return all, ok
}

func (r referenced) of(person Person, isOnly bool) int {
	all := make(contacts, len(r))
	for i := range r {
		all[i] = r[i].Contact
	}

	return all.of(person, isOnly)
}

func (r referenced) ofMessages(messages []json.RawMessage) []json.RawMessage {
	found := make([]json.RawMessage, len(messages))
	if len(r) == 0 {
		return found
	}

	senders := make([]Person, len(messages))
	isOnly := true // the messages have one sender

	var sender Person

	for i, raw := range messages {
		if m, err := referenceMessage(raw); err == nil {
			senders[i] = m.Sender()
		}

		isSame := sender.IsZero() || senders[i].IsZero() || senders[i].matches(sender)
		isOnly = isOnly && isSame && !senders[i].differs(sender)
		sender = sender.with(senders[i])
	}

	for i, sender := range senders {
		if at := r.of(sender, isOnly); at >= 0 {
			found[i] = r[at].raw
		}
	}

	return found
}

// referenceMessage is ParseMessage.
func referenceMessage(raw json.RawMessage) (Message, error) {
	var m struct {
		ID           Text            `json:"id"`
		From         Text            `json:"from"`
		FromUserID   Text            `json:"from_user_id"`
		FromParentID Text            `json:"from_parent_user_id"`
		ParentID     Text            `json:"parent_user_id"`
		GroupID      Text            `json:"group_id"`
		Timestamp    Text            `json:"timestamp"`
		Type         Text            `json:"type"`
		Context      json.RawMessage `json:"context"`
		Referral     json.RawMessage `json:"referral"`
	}
	if err := readObject(raw, &m); err != nil {
		return Message{}, err
	}

	message := Message{
		ID:           m.ID,
		From:         m.From,
		FromUserID:   m.FromUserID,
		FromParentID: m.FromParentID,
		ParentID:     m.ParentID,
		GroupID:      m.GroupID,
		Timestamp:    m.Timestamp,
		Type:         m.Type,
		Context:      m.Context,
		Referral:     m.Referral,
		Raw:          raw,
	}
	if message.Type == "" {
		message.Type = message.contentName()
	}

	return message, nil
}

// referenceText is Message.TextBody.
func referenceText(m Message) string {
	var (
		properties map[string]json.RawMessage
		text       struct {
			Body Text `json:"body"`
		}
	)

	_ = readObject(m.Raw, &properties)

	if readObject(properties["text"], &text) != nil {
		var plain string

		_ = json.Unmarshal(properties["text"], &plain) // another shape has no text

		return plain
	}

	return string(text.Body)
}

// referenceStatus reads the properties of a status.
func referenceStatus(raw json.RawMessage) (sentStatus, error) {
	var s struct {
		ID                Text            `json:"id"`
		Status            Text            `json:"status"`
		Type              Text            `json:"type"`
		Timestamp         Text            `json:"timestamp"`
		GroupID           Text            `json:"group_id"`
		RecipientID       Text            `json:"recipient_id"`
		RecipientType     Text            `json:"recipient_type"`
		RecipientUserID   Text            `json:"recipient_user_id"`
		RecipientParent   Text            `json:"recipient_parent_user_id"`
		ParentRecipient   Text            `json:"parent_recipient_user_id"`
		ParentUserID      Text            `json:"parent_user_id"`
		ParticipantID     Text            `json:"recipient_participant_id"`
		ParticipantTypo   Text            `json:"participant_recipient_id"`
		ParticipantUser   Text            `json:"recipient_participant_user_id"`
		ParticipantParent Text            `json:"recipient_participant_parent_user_id"`
		Callback          Text            `json:"biz_opaque_callback_data"`
		Conversation      json.RawMessage `json:"conversation"`
		Pricing           json.RawMessage `json:"pricing"`
		Payment           json.RawMessage `json:"payment"`
		Errors            json.RawMessage `json:"errors"`
	}
	if err := readObject(raw, &s); err != nil {
		return sentStatus{}, err
	}

	return sentStatus(s), nil
}
