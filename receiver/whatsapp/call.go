// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// FieldCalls is the webhook field of calls. Its value has the list keyCalls.
const (
	FieldCalls = "calls"
	keyCalls   = "calls"
)

// Call is a call that a person made or accepted, as one of its events reports it.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/reference
type Call struct {
	Person    Person
	Timestamp Text // of the call's start, in unix seconds
}

// sentCall are the properties of one of value.calls as Meta sends them.
type sentCall struct {
	From       Text            `json:"from"`
	FromUserID Text            `json:"from_user_id"`
	FromParent Text            `json:"from_parent_user_id"`
	To         Text            `json:"to"`
	ToUserID   Text            `json:"to_user_id"`
	ToParent   Text            `json:"to_parent_user_id"`
	Event      Text            `json:"event"`
	Direction  Text            `json:"direction"`
	Timestamp  Text            `json:"timestamp"`
	StartTime  Text            `json:"start_time"`
	Session    json.RawMessage `json:"session"`
}

// parseCall parses one of value.calls. ok is false unless the event proves that a person called or accepted a call.
func parseCall(raw json.RawMessage) (_ Call, ok bool) {
	var c sentCall
	if readObject(raw, &c) != nil {
		return Call{}, false
	}

	call := Call{Timestamp: cmp.Or(c.StartTime, c.Timestamp)}

	switch {
	case c.isByPerson():
		call.Person = newPerson(c.From, c.FromUserID, c.FromParent)
	case c.isAccepted():
		call.Person = newPerson(c.To, c.ToUserID, c.ToParent)
	default:
		return Call{}, false
	}

	return call, true
}

func (c *sentCall) isByPerson() bool {
	if !slices.Contains([]Text{"connect", "call_created", "terminate"}, c.Event) {
		return false
	}

	if c.Direction != "" {
		return strings.EqualFold(string(c.Direction), "USER_INITIATED")
	}

	var session struct {
		Type Text `json:"sdp_type"`
	}

	_ = readObject(c.Session, &session) // an unexpected shape has no type

	return c.Event == "connect" && session.Type == "offer" // as in some of Meta's samples: only the person's client offers a session
}

// isAccepted reports whether the event is the end of a call by the business that the person accepted: others have no start.
func (c *sentCall) isAccepted() bool {
	hasStart := !UnixTime(c.StartTime, time.Time{}).IsZero()

	return hasStart && c.Event == "terminate" && strings.EqualFold(string(c.Direction), "BUSINESS_INITIATED")
}

// parseCallStatus parses one of value.statuses of field calls, which are about calls by the business. ok is false unless the
// person accepted the call.
func parseCallStatus(raw json.RawMessage) (_ Call, ok bool) {
	status, err := ParseStatus(raw)
	if err != nil || !strings.EqualFold(string(status.Status), "ACCEPTED") {
		return Call{}, false
	}

	return Call{Person: status.Person(), Timestamp: status.Timestamp}, true
}

// SplitCalls returns a value of field calls as one value for each event of a Call, which it visits, and a value with all the
// rest, which is nil if there is none. The value of a single event stays as it is.
func SplitCalls(value json.RawMessage, metadata Metadata, visit func(Call)) (each []json.RawMessage, rest json.RawMessage) {
	var properties map[string]json.RawMessage
	if readObject(value, &properties) != nil {
		return nil, value
	}

	raws, _ := readContacts(properties[keyContacts])
	contacts := raws.parse()
	events := len(readList(properties[keyCalls])) + len(readList(properties[keyStatuses]))

	split := func(key string, parse func(json.RawMessage) (Call, bool)) {
		list := readList(properties[key])

		var remaining []json.RawMessage

		for _, raw := range list {
			call, ok := parse(raw)
			if at := contacts.of(call.Person, events == 1); at >= 0 {
				call.Person = call.Person.with(contacts[at].Person)
			}

			isOwn := call.Person.WaID != "" && call.Person.WaID == metadata.DisplayPhoneNumber
			if !ok || isOwn || call.Person.IsZero() || len(each) == maxItems {
				remaining = append(remaining, raw)
				continue
			}

			visit(call)

			each = append(each, encodeList(key, nil, []json.RawMessage{raw}))
		}

		if len(remaining) == len(list) {
			return
		}

		delete(properties, key)

		if len(remaining) > 0 {
			properties[key], _ = json.Marshal(remaining) // what was decoded always encodes
		}
	}

	split(keyCalls, parseCall)
	split(keyStatuses, parseCallStatus)

	switch {
	case len(each) == 0:
		return nil, value
	case events == 1:
		return []json.RawMessage{value}, nil // unchanged
	}

	rest, _ = json.Marshal(properties)

	return each, rest
}

// Conversation returns the lane of the person, and its aliases.
func (c Call) Conversation(phoneNumberID string) (lane string, aliases []string) {
	return conversation(phoneNumberID, "", c.Person)
}
