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

const (
	// maxReplies bounds the messages of one list before texts are joined, and twice as many those of one answer.
	maxReplies = 50
	// maxDepth bounds how deep answers may be in each other.
	maxDepth = 5
)

// Parse decodes an answer in any of the forms of the contract. Its errors name the problem and never repeat the content. An
// error is of type *[MissingError] if the answer is JSON but holds nothing to send.
func Parse(body []byte) (Answer, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return Answer{Empty: true}, nil
	}

	if !json.Valid(body) {
		return Answer{}, errors.New("the answer is not JSON")
	}

	var answer Answer
	if err := answer.readValue(body, 0); err != nil {
		return Answer{}, err
	}

	if len(answer.Replies) > 0 || answer.Handoff != nil {
		answer.Later = false
		answer.Empty = false
	}

	return answer, nil
}

// readValue decodes an answer or a part of one. The parts of an answer are depth levels below it.
func (a *Answer) readValue(raw json.RawMessage, depth int) error {
	if depth > maxDepth {
		return errors.New("the answer is nested too deep")
	}

	switch raw[0] {
	case '[':
		return a.readList(raw, depth)
	case '{':
		return a.readObject(raw, depth)
	default:
		if err := a.readScalar(raw); err != nil {
			return fmt.Errorf("the answer is %w", err)
		}

		return nil
	}
}

func (a *Answer) readList(raw json.RawMessage, depth int) error {
	var elements []json.RawMessage
	if err := Decode(raw, &elements); err != nil {
		return fmt.Errorf("the list of messages is %w", err)
	}

	if len(elements) > maxReplies {
		return fmt.Errorf("the answer has more than %d messages", maxReplies)
	}

	for i, element := range elements {
		if element[0] == '[' {
			return fmt.Errorf("message %d is neither a string nor an object", i+1)
		}

		if err := a.readValue(element, depth+1); err != nil {
			return inMessage(i+1, err)
		}

		if len(a.Replies) > 2*maxReplies {
			return fmt.Errorf("the answer has more than %d messages", maxReplies)
		}
	}

	return nil
}

// inMessage names the message of a list that an error is about, unless the error names one of a list in it. A MissingError
// stays as it is.
func inMessage(number int, err error) error {
	_, isMissing := errors.AsType[*MissingError](err)
	if text, ok := strings.CutPrefix(err.Error(), "the answer "); ok && !isMissing {
		return fmt.Errorf("message %d %s", number, text)
	}

	return err
}

// readScalar decodes a text, or null. Its errors complete the sentence "the answer is …".
func (a *Answer) readScalar(raw json.RawMessage) error {
	if raw[0] == 'n' {
		return nil
	}

	if raw[0] != '"' {
		return errors.New("neither a string nor an object")
	}

	var text string
	if err := Decode(raw, &text); err != nil {
		return err
	}

	a.addText(text, false)

	return nil
}

// readTyped decodes a message that has a type. Its errors complete the sentence "the answer is …".
func (a *Answer) readTyped(raw json.RawMessage) error {
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
