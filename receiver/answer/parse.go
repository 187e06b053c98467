// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxReplies bounds the messages of one answer before texts are joined.
const maxReplies = 50

// Parse decodes an answer in any of the forms of the contract. Its errors name the problem and never repeat the content.
func Parse(body []byte) (Answer, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return Answer{}, nil
	}

	if !json.Valid(body) {
		return Answer{}, errors.New("the answer is not JSON")
	}

	if body[0] != '{' {
		return readResponse(body)
	}

	var outer struct {
		Response     json.RawMessage `json:"response"`
		Handoff      *Handoff        `json:"handoff"`
		QuickReplies []option        `json:"quick_replies"`
		Accepted     bool            `json:"accepted"`
		Type         json.RawMessage `json:"type"`
		Text         json.RawMessage `json:"text"`
		Error        json.RawMessage `json:"error"`
	}
	if err := Decode(body, &outer); err != nil {
		return Answer{}, fmt.Errorf("the answer is %w", err)
	}

	var (
		answer Answer
		err    error
	)
	switch {
	case outer.Response != nil:
		if answer, err = readResponse(outer.Response); err == nil {
			err = answer.addQuickReplies(outer.QuickReplies)
		}
	case outer.Type != nil || outer.Text != nil:
		answer, err = readResponse(body)
	case outer.Handoff != nil:
	case outer.Accepted:
		answer.Later = true
	case present(outer.Error):
		err = errors.New("the answer is an error")
	default:
		err = errors.New("the answer has neither response nor type")
	}

	if err != nil {
		return Answer{}, err
	}

	if answer.Handoff == nil {
		answer.Handoff = outer.Handoff
	}

	return answer, nil
}

// readResponse decodes one message or a list of messages.
func readResponse(raw json.RawMessage) (Answer, error) {
	elements := []json.RawMessage{raw}
	if raw[0] == '[' {
		if err := Decode(raw, &elements); err != nil {
			return Answer{}, fmt.Errorf("response is %w", err)
		}
	}

	if len(elements) > maxReplies {
		return Answer{}, fmt.Errorf("response has more than %d messages", maxReplies)
	}

	var answer Answer
	for i, element := range elements {
		if err := answer.add(element); err != nil {
			return Answer{}, fmt.Errorf("message %d is %w", i+1, err)
		}
	}

	return answer, nil
}

// add decodes one message, which may be null. Its errors complete the sentence "the message is …".
func (a *Answer) add(raw json.RawMessage) error {
	switch raw[0] {
	case 'n':
		return nil
	case '"':
		var text string
		if err := Decode(raw, &text); err != nil {
			return err
		}

		a.addText(text, false)

		return nil
	case '{':
	default:
		return errors.New("neither a string nor an object")
	}

	var message struct {
		Type            string `json:"type"`
		InteractiveType string `json:"interactive_type"`
	}
	if err := Decode(raw, &message); err != nil {
		return err
	}

	kind := message.Type
	if kind == "interactive" {
		kind = message.InteractiveType
	}

	read, known := readers[kind]
	if !known {
		return errors.New("of a type that is not known")
	}

	return read(a, raw)
}

func (a *Answer) addText(text string, previewURL bool) {
	if strings.TrimSpace(text) != "" {
		a.Replies = append(a.Replies, Reply{
			Kind:       KindText,
			Text:       text,
			PreviewURL: previewURL,
		})
	}
}

// embedded removes the names of the contract's parts, which are no properties, from the path of a property.
var embedded = strings.NewReplacer("frame.", "", "product.", "")

// Decode decodes raw into the contract's form. Its errors name the field of another form, and complete the sentence
// "… is …".
func Decode(raw json.RawMessage, into any) error {
	err := json.Unmarshal(raw, into)
	if err == nil {
		return nil
	}

	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && mismatch.Field != "" {
		field := embedded.Replace(mismatch.Field)

		return fmt.Errorf("malformed: %s has an unexpected JSON type", field)
	}

	return errors.New("of an unexpected JSON type")
}

// present reports whether a property has a value other than null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] != 'n' }
