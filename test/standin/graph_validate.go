// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// checkMessage validates a message by the limits of Meta's messages reference and sets the default type.
// Lengths are in characters.
func checkMessage(request *messageRequest, raw []byte) *problem {
	if request.Type == "" {
		request.Type = "text"
	}

	badNumber := request.To != "" && request.RecipientType != "group" &&
		!phoneNumber.MatchString(phoneSeparators.Replace(request.To))

	switch {
	case request.To == "" && request.Recipient == "":
		return invalid("The parameter to is required.")
	case request.RecipientType == "group" && !isGroupID(request.To):
		return &problem{code: 131041, details: "The group was not found"}
	case badNumber:
		return refused(131009, "Recipient phone number is not valid")
	case request.Recipient != "" && !businessScopedID.MatchString(request.Recipient):
		return refused(131009, "Recipient is not a business-scoped user ID")
	case request.RecipientType != "" && request.RecipientType != "individual" && request.RecipientType != "group":
		return invalid("Param recipient_type must be one of {individual, group} - got %q.", request.RecipientType)
	case utf8.RuneCountInString(request.Callback) > 512:
		return invalid("Param biz_opaque_callback_data must be at most 512 characters long.")
	case request.Context != nil && request.Context.MessageID == "":
		return invalid("The parameter context['message_id'] is required.")
	}

	check, known := messageChecks[request.Type]
	if !known {
		return invalid("Param type is not one of the known message types - got %q.", request.Type)
	}

	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return invalid("The request body is not a JSON object: %v", err)
	}

	if request.RecipientType == "group" && !slices.Contains(groupTypes, request.Type) {
		return refused(131051, "Message type %s is not supported in groups", request.Type)
	}

	object, present := fields[request.Type]
	if !present || string(object) == "null" {
		return invalid("The parameter %s is required.", request.Type)
	}

	return first(checkKeys(request.Type, object), check(object), checkAddressCountry(request, object))
}

// objectKeys are the keys that Graph takes in the objects of the plain types. It refuses any other.
var objectKeys = map[string][]string{
	"text":     {"body", "preview_url"},
	"image":    {"id", "link", "caption"},
	"video":    {"id", "link", "caption"},
	"audio":    {"id", "link", "voice"},
	"document": {"id", "link", "caption", "filename"},
	"sticker":  {"id", "link"},
	"location": {"latitude", "longitude", "name", "address"},
	"reaction": {"message_id", "emoji"},
}

func checkKeys(kind string, object json.RawMessage) *problem {
	allowed, known := objectKeys[kind]

	var fields map[string]json.RawMessage
	if !known || json.Unmarshal(object, &fields) != nil {
		return nil
	}

	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(allowed, key) {
			return invalid("Unexpected key %q on param %q.", key, kind)
		}
	}

	return nil
}

// groupTypes are the types of messages that may be sent to a group.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/groups
var groupTypes = []string{
	"text",
	"image",
	"video",
	"audio",
	"document",
	"sticker",
	"template",
}

// isGroupID reports whether an id may be that of a group, and is neither a phone number nor a user id.
func isGroupID(id string) bool {
	return id != "" && !phoneNumber.MatchString(phoneSeparators.Replace(id)) && !businessScopedID.MatchString(id)
}

// messageChecks maps each message type to the check of its object.
var messageChecks = map[string]func(json.RawMessage) *problem{
	"text":        checkText,
	"image":       checkMedia,
	"video":       checkMedia,
	"audio":       checkMedia,
	"document":    checkMedia,
	"sticker":     checkMedia,
	"location":    checkLocation,
	"contacts":    checkContacts,
	"reaction":    checkReaction,
	"template":    checkTemplate,
	"interactive": checkInteractive,
}

// refused returns an error of WhatsApp, which comes after Graph's own checks of the parameters.
func refused(code int, format string, args ...any) *problem {
	return &problem{code: code, details: fmt.Sprintf(format, args...)}
}

// decode reads the object of a message type. Like Graph, it rejects values of the wrong JSON type.
func decode(object json.RawMessage, into any) *problem {
	if err := json.Unmarshal(object, into); err != nil {
		return invalid("Invalid parameter: %v", err)
	}

	return nil
}

// length checks that a string has at most longest characters, and at least 1 if it is required.
func length(what, value string, required bool, longest int) *problem {
	n := utf8.RuneCountInString(value)
	if required && n == 0 {
		return refused(131008, "%s is required", what)
	}

	if n > longest {
		return refused(131009, "%s length invalid. Min length: 1, Max length: %d", what, longest)
	}

	return nil
}

// first returns the first problem that is not nil.
func first(problems ...*problem) *problem {
	for _, p := range problems {
		if p != nil {
			return p
		}
	}

	return nil
}

func checkText(object json.RawMessage) *problem {
	var text textObject
	if p := decode(object, &text); p != nil {
		return p
	}

	if text.Body == "" {
		return invalid("The parameter text['body'] is required.")
	}

	if utf8.RuneCountInString(text.Body) > 4096 {
		return invalid("Param text['body'] must be at most 4096 characters long.")
	}

	return nil
}

func checkMedia(object json.RawMessage) *problem {
	var media struct{ ID, Link, Caption string }
	if p := decode(object, &media); p != nil {
		return p
	}

	if (media.ID == "") == (media.Link == "") {
		return refused(131009, "Exactly one of id and link is required")
	}

	if media.Link != "" && !strings.HasPrefix(media.Link, "https://") && !strings.HasPrefix(media.Link, "http://") {
		return invalid("Param link is not a valid URI.")
	}

	return length("Caption", media.Caption, false, 1024)
}

func checkLocation(object json.RawMessage) *problem {
	var location struct{ Latitude, Longitude *json.Number }
	if p := decode(object, &location); p != nil {
		return p
	}

	if location.Latitude == nil || location.Longitude == nil {
		return refused(131008, "Latitude and longitude are required")
	}

	return nil
}

func checkContacts(object json.RawMessage) *problem {
	var contacts []struct {
		Name struct {
			FormattedName string `json:"formatted_name"`
		}
	}
	if p := decode(object, &contacts); p != nil {
		return p
	}

	if len(contacts) == 0 || len(contacts) > 257 {
		return refused(131008, "1 to 257 contacts are required")
	}

	for _, contact := range contacts {
		if contact.Name.FormattedName == "" {
			return refused(131008, "A contact's name.formatted_name is required")
		}
	}

	return nil
}

func checkReaction(object json.RawMessage) *problem {
	var reaction struct {
		MessageID string `json:"message_id"`
		Emoji     *string
	}
	if p := decode(object, &reaction); p != nil {
		return p
	}

	if reaction.MessageID == "" || reaction.Emoji == nil {
		return refused(131008, "A reaction's message_id and emoji are required")
	}

	return nil
}

func checkTemplate(object json.RawMessage) *problem {
	var template struct {
		Name     string
		Language struct{ Code string }
	}
	if p := decode(object, &template); p != nil {
		return p
	}

	if template.Name == "" || template.Language.Code == "" {
		return refused(131008, "A template's name and language.code are required")
	}

	return nil
}
