// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package persondata

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Covers reports whether a status is of the person alone, or of the group: of an answer in a group, each participant has one.
func (p *Person) Covers(status *store.StatusUpdate) bool {
	return p.group || status.Participant == "" || slices.Contains(p.ids, status.Participant)
}

// withoutQuotes returns the payload of a message in a group without the references to messages of other participants, whose
// numbers they have, and whether there were any.
func (p *Person) withoutQuotes(payload []byte) (_ []byte, cut bool) {
	document, err := decode(payload)
	if err != nil || !p.dropQuotes(document, businessNumbers(document)) {
		return payload, false
	}

	rest, _ := json.Marshal(document) // what was decoded always encodes

	return rest, true
}

// authors are the properties of Meta's context of a message that name who wrote the message before.
var authors = []string{"from", "from_user_id", "from_parent_user_id"}

// dropQuotes deletes the context of each message in a value that quotes another person, and reports whether there was one.
func (p *Person) dropQuotes(value any, business []string) (cut bool) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			cut = p.dropQuotes(element, business) || cut
		}
	case map[string]any:
		if quoted, ok := value["context"].(map[string]any); ok && p.isOfAnother(quoted, business) {
			delete(value, "context")

			cut = true
		}

		for _, member := range value {
			cut = p.dropQuotes(member, business) || cut
		}
	}

	return cut
}

// isOfAnother reports whether the context of a message names an author who is neither the person nor the business.
func (p *Person) isOfAnother(quoted map[string]any, business []string) bool {
	isNamed := false

	for _, property := range authors {
		author, _ := quoted[property].(string)
		author = strings.TrimPrefix(author, "+")

		if slices.Contains(p.ids, author) || slices.Contains(business, author) {
			return false
		}

		isNamed = isNamed || author != ""
	}

	return isNamed
}

// businessNumbers returns the phone numbers of the business in a document, in digits.
func businessNumbers(value any) (numbers []string) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			numbers = append(numbers, businessNumbers(element)...)
		}
	case map[string]any:
		for name, member := range value {
			if number, ok := member.(string); ok && name == "display_phone_number" {
				numbers = append(numbers, digits(number))
			}

			numbers = append(numbers, businessNumbers(member)...)
		}
	}

	return numbers
}

func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}

		return r
	}, number)
}
