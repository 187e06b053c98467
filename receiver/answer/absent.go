// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Programs without code, such as flows, fill a form in whether they have a value or not: an empty variable becomes "", {}, []
// or false. The types of this file decode such a value as the absence of one.

// Present reports whether a property has a value other than null.
func Present(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] != 'n' }

// filled reports whether a property has a value with content: no null, false, blank text, {} or [].
func filled(raw json.RawMessage) bool {
	if !Present(raw) {
		return false
	}

	switch raw[0] {
	case 'f':
		return false
	case '"':
		var text string
		return json.Unmarshal(raw, &text) != nil || strings.TrimSpace(text) != ""
	case '{', '[':
		return len(bytes.TrimSpace(raw[1:len(raw)-1])) > 0
	}

	return true
}

// isEmptyList reports whether a property is a list without elements.
func isEmptyList(raw json.RawMessage) bool { return Present(raw) && raw[0] == '[' && !filled(raw) }

// isSilent reports whether an object says that there is no answer, by an empty list as its response, or as the first of the keys
// that hold nothing but an answer. A key that is blank in another way does not count.
func (o *object) isSilent() bool {
	for _, value := range []json.RawMessage{o.Response, o.Reply, o.Answer, o.Output} {
		if filled(value) || isEmptyList(value) {
			return isEmptyList(value)
		}
	}

	return false
}

// withoutComments returns an object with an empty response, without the keys that may hold something other than an answer: a
// comment, a record, or the person's own message, which some bridges return with the response.
func (o object) withoutComments() object {
	o.Type = nil
	o.Text = nil
	o.Message = nil
	o.Content = nil
	o.Custom = nil
	o.Choices = nil
	o.Data = nil
	o.Result = nil

	return o
}

// isBlank reports whether all that a value holds is absent, as in {"url":"","caption":null}. The type of a file is not content.
func isBlank(raw json.RawMessage) bool {
	var value any
	return !Present(raw) || json.Unmarshal(raw, &value) == nil && !hasContent(value)
}

// isUnfilled reports whether an object has more than a type, and nothing of it has content.
func isUnfilled(raw json.RawMessage) bool {
	var properties map[string]json.RawMessage
	return json.Unmarshal(raw, &properties) == nil && len(properties) > 1 && isBlank(raw)
}

func hasContent(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case bool:
		return value
	case string:
		return strings.TrimSpace(value) != ""
	case []any:
		return slices.ContainsFunc(value, hasContent)
	case map[string]any:
		for key, property := range value {
			if key != "type" && hasContent(property) {
				return true
			}
		}

		return false
	}

	return true
}

// text decodes a text. It accepts a number, and Meta's object with the text.
type text string

// UnmarshalJSON decodes a text.
func (t *text) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '"':
		return json.Unmarshal(raw, (*string)(t))
	case !filled(raw):
		*t = ""
		return nil
	case isNumber(raw):
		*t = text(raw)
		return nil
	}

	var meta struct {
		Body string `json:"body"` // of a text
		Text string `json:"text"` // of a body, a header or a footer
	}
	if raw[0] == '{' && json.Unmarshal(raw, &meta) == nil && meta.Body+meta.Text != "" {
		*t = text(meta.Body + meta.Text)
		return nil
	}

	return json.Unmarshal(raw, (*string)(t)) // the error names the type
}

func isNumber(raw json.RawMessage) bool { return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' }

// boolean decodes a boolean, which may be a text.
type boolean bool

// UnmarshalJSON decodes a boolean.
func (b *boolean) UnmarshalJSON(raw []byte) error {
	switch {
	case !filled(raw), string(raw) == `"false"`:
		*b = false
	case string(raw) == `"true"`:
		*b = true
	default:
		return json.Unmarshal(raw, (*bool)(b))
	}

	return nil
}

// list decodes a list.
type list[T any] []T

// UnmarshalJSON decodes a list.
func (l *list[T]) UnmarshalJSON(raw []byte) error {
	if !filled(raw) {
		*l = nil
		return nil
	}

	return json.Unmarshal(raw, (*[]T)(l))
}

// handoff decodes a Handoff, or none.
type handoff struct{ given *Handoff }

// UnmarshalJSON decodes a handoff. An object without content is one too, and so is true, since the reason and the text are
// optional.
func (h *handoff) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' && !filled(raw) {
		return nil
	}

	var isGiven boolean
	if raw[0] != '{' && isGiven.UnmarshalJSON(raw) == nil {
		if isGiven {
			h.given = &Handoff{}
		}

		return nil
	}

	var given struct {
		Reason text `json:"reason"`
		Text   text `json:"text"`
	}
	if err := json.Unmarshal(raw, &given); err != nil {
		return err
	}

	h.given = &Handoff{Reason: string(given.Reason), Text: string(given.Text)}

	return nil
}

// textMap decodes an object whose values are texts.
type textMap map[string]string

// UnmarshalJSON decodes an object of texts.
func (t *textMap) UnmarshalJSON(raw []byte) error {
	if !filled(raw) {
		*t = nil
		return nil
	}

	var values map[string]text
	if err := json.Unmarshal(raw, &values); err != nil {
		return err
	}

	*t = textMap{}
	for key, value := range values {
		(*t)[key] = string(value)
	}

	return nil
}
