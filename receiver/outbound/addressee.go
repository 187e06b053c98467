// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

var (
	phoneNumber = regexp.MustCompile(`^[0-9]{5,20}$`)
	// userID is the form of a business-scoped user id, such as CO.1349.
	//
	// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
	userID  = regexp.MustCompile(`^[A-Z]{2}(\.ENT)?\.[A-Za-z0-9]+$`)
	groupID = regexp.MustCompile(`^[A-Za-z0-9_=+/.@-]+$`)
)

// The limits of ids in bytes. As repetitions in the expressions they would take 300 kB of memory.
const (
	maxUserID  = 135
	maxGroupID = 256
)

// ErrConversationKey means that a key does not name a conversation.
var ErrConversationKey = errors.New(
	"a conversation key is <phone_number_id>:<wa_id or user_id> or <phone_number_id>:group:<group_id>")

// Addressee returns an item that names the phone number and the recipient of a conversation key, for a conversation of which
// no message is stored. The item has no message to quote.
func Addressee(conversationKey string) (whatsapp.Item, error) {
	number, person, _ := strings.Cut(conversationKey, ":")
	group, isGroup := strings.CutPrefix(person, "group:")

	if !phoneNumber.MatchString(number) {
		return whatsapp.Item{}, ErrConversationKey
	}

	recipient := map[string]string{}

	switch {
	case isGroup && len(group) <= maxGroupID && groupID.MatchString(group):
		recipient["group_id"] = group
	case phoneNumber.MatchString(person):
		recipient["from"] = person
	case len(person) <= maxUserID && userID.MatchString(person):
		recipient["from_user_id"] = person
	default:
		return whatsapp.Item{}, ErrConversationKey
	}

	raw, err := json.Marshal(recipient)
	if err != nil {
		return whatsapp.Item{}, ErrConversationKey
	}

	return whatsapp.Item{
		Kind:     whatsapp.ItemMessage,
		Metadata: whatsapp.Metadata{PhoneNumberID: whatsapp.Text(number)},
		Raw:      raw,
	}, nil
}
