// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// FieldCalls is the webhook field of calls. Its value has the list keyCalls.
const (
	FieldCalls = "calls"
	keyCalls   = "calls"
)

// Call is a call by a person, as one of its events reports it.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/reference
type Call struct {
	Caller    Person
	Timestamp Text // of the call's start, in unix seconds
}

// parseCall parses one of value.calls to the phone number of metadata. ok is false unless the event proves that a person
// called. isOnly says that there is no other call beside it.
func parseCall(raw json.RawMessage, metadata Metadata, contacts contacts, isOnly bool) (_ Call, ok bool) {
	var c struct {
		From       Text            `json:"from"`
		FromUserID Text            `json:"from_user_id"`
		FromParent Text            `json:"from_parent_user_id"`
		Event      Text            `json:"event"`
		Direction  Text            `json:"direction"`
		Timestamp  Text            `json:"timestamp"`
		StartTime  Text            `json:"start_time"`
		Session    json.RawMessage `json:"session"`
	}
	if readObject(raw, &c) != nil || !slices.Contains([]Text{"connect", "call_created", "terminate"}, c.Event) {
		return Call{}, false
	}

	var session struct {
		Type Text `json:"sdp_type"`
	}

	_ = readObject(c.Session, &session) // an unexpected shape has no type

	isPersons := strings.EqualFold(string(c.Direction), "USER_INITIATED")
	if c.Direction == "" { // as in some of Meta's samples: only the person's client offers a session
		isPersons = c.Event == "connect" && session.Type == "offer"
	}

	caller := newPerson(c.From, c.FromUserID, c.FromParent)
	if at := contacts.of(caller, isOnly); at >= 0 {
		caller = caller.with(contacts[at].Person)
	}

	if !isPersons || caller.IsZero() || caller.WaID != "" && caller.WaID == metadata.DisplayPhoneNumber {
		return Call{}, false
	}

	return Call{Caller: caller, Timestamp: cmp.Or(c.StartTime, c.Timestamp)}, true
}

// SplitCalls returns a value of field calls as one value for each call by a person, which it visits, and a value with all the
// rest, which is nil if there is none. The value of a single call stays as it is.
func SplitCalls(value json.RawMessage, metadata Metadata, visit func(Call)) (each []json.RawMessage, rest json.RawMessage) {
	var properties map[string]json.RawMessage
	if readObject(value, &properties) != nil {
		return nil, value
	}

	list := readList(properties[keyCalls])
	raws, _ := readContacts(properties[keyContacts])
	contacts := raws.parse()

	var others []json.RawMessage

	for _, raw := range list {
		call, ok := parseCall(raw, metadata, contacts, len(list) == 1)
		if !ok || len(each) == maxItems {
			others = append(others, raw)
			continue
		}

		visit(call)

		each = append(each, encodeList(keyCalls, nil, []json.RawMessage{raw}))
	}

	switch {
	case len(each) == 0:
		return nil, value
	case len(list) == 1:
		return []json.RawMessage{value}, nil // unchanged
	default:
		return each, encodeList(keyCalls, properties, others)
	}
}

// Conversation returns the lane of the person who called, and its aliases.
func (c Call) Conversation(phoneNumberID string) (lane string, aliases []string) {
	return conversation(phoneNumberID, "", c.Caller)
}
