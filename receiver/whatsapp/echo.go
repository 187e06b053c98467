// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// FieldEchoes is the webhook field of messages that were sent from the WhatsApp Business app.
const FieldEchoes = "smb_message_echoes"

// keyEchoes is the key of the list in the value of FieldEchoes.
const keyEchoes = "message_echoes"

// Echo is a message that was sent from the WhatsApp Business app, on a phone number that the app and the Cloud API share.
type Echo struct {
	ID           Text `json:"id"`
	To           Text `json:"to"`         // wa_id; empty if the person's phone number is hidden
	ToUserID     Text `json:"to_user_id"` // business-scoped user id
	ToParentID   Text `json:"to_parent_user_id"`
	GroupID      Text `json:"group_id"`
	Timestamp    Text `json:"timestamp"` // unix seconds
	Type         Text `json:"type"`
	CreationType Text `json:"message_creation_type"` // what sent the message, if not a colleague

	contact Contact // of the person, from the list beside the echoes
}

// ParseEchoes parses the value of field smb_message_echoes. It omits elements that do not have the documented shape.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_message_echoes
func ParseEchoes(value json.RawMessage) []Echo {
	var v struct {
		Echoes json.RawMessage `json:"message_echoes"`
	}
	if readObject(value, &v) != nil {
		return nil
	}

	var echoes []Echo

	for _, raw := range readList(v.Echoes) {
		var echo Echo
		if readObject(raw, &echo) == nil {
			echoes = append(echoes, echo)
		}
	}

	return echoes
}

// SplitEchoes returns a value of field smb_message_echoes as one value for each of its echoes that accept accepts, and a
// value with all the rest.
func SplitEchoes(value json.RawMessage, accept func(Echo) bool) (each []json.RawMessage, rest json.RawMessage) {
	var properties map[string]json.RawMessage
	if readObject(value, &properties) != nil {
		return nil, value
	}

	var others []json.RawMessage

	list := readList(properties[keyEchoes])
	raws, _ := readContacts(properties[keyContacts])
	contacts := raws.parse()

	for _, raw := range list {
		echo, err := parseEcho(raw, contacts, len(list) == 1)
		if err != nil || len(each) == maxItems || !accept(echo) {
			others = append(others, raw)
			continue
		}

		each = append(each, encodeList(keyEchoes, nil, []json.RawMessage{raw}))
	}

	if len(each) == 0 {
		return nil, value
	}

	return each, encodeList(keyEchoes, properties, others)
}

// parseEcho parses an echo, with its contact. isOnly says that there is no other echo beside it.
func parseEcho(raw json.RawMessage, contacts contacts, isOnly bool) (Echo, error) {
	var echo Echo
	if err := readObject(raw, &echo); err != nil {
		return Echo{}, err
	}

	if at := contacts.of(newPerson(echo.To, echo.ToUserID, echo.ToParentID), isOnly); at >= 0 {
		echo.contact = contacts[at]
	}

	return echo, nil
}

// encodeList returns a value with these properties and this list.
func encodeList(key string, properties map[string]json.RawMessage, list []json.RawMessage) json.RawMessage {
	value := map[string]json.RawMessage{}
	maps.Copy(value, properties)
	delete(value, key)

	if len(list) > 0 {
		value[key], _ = json.Marshal(list) // what was decoded always encodes
	}

	raw, _ := json.Marshal(value)

	return raw
}

var (
	// automatic are the words by which a creation type names a program: Meta documents none, and sends created_by_1p_bot
	// for its own agent.
	automatic = []string{
		"ai", "assistant", "auto", "autoreply", "automated", "automatic", "automation", "away", "bot", "greeting", "system", "welcome",
	}
	// unwritten are the types of echoes by which a person writes nothing.
	unwritten = []Text{"reaction", "revoke", "system"}
	nonLetter = regexp.MustCompile(`[^a-z]+`)
)

// IsWritten reports whether a person wrote the message. Programs send messages from the app too, such as greetings, which
// do not mean that a person attends to the conversation.
func (e Echo) IsWritten() bool {
	words := nonLetter.Split(strings.ToLower(string(e.CreationType)), -1)
	isAutomatic := slices.ContainsFunc(words, func(word string) bool { return slices.Contains(automatic, word) })

	return !isAutomatic && !slices.Contains(unwritten, e.Type)
}
