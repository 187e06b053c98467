// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxReplies bounds the messages of one list before texts are joined, and twice as many those of one answer.
	maxReplies = 50
	// maxDepth bounds how deep answers may be in each other.
	maxDepth = 5
)

// parser reads an answer.
type parser struct {
	Answer

	// isSilent means that the AI says that it sends nothing: by an empty list, the type none, or null as the response.
	isSilent bool
}

// Parse decodes an answer in any of the forms of the contract. Its errors name the problem and never repeat the content. An
// error is of type *[MissingError] if the answer is JSON but holds nothing to send.
func Parse(body []byte) (Answer, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, byteOrderMark))
	if len(body) == 0 {
		return Answer{Empty: true}, nil
	}

	if !json.Valid(body) {
		fenced := withoutFence(body)

		switch {
		case json.Valid(fenced):
			body = fenced
		case isMarkup(body):
			return Answer{}, errPage
		default:
			return Answer{}, errors.New("the answer is not JSON")
		}
	}

	var p parser
	if err := p.readValue(body, 0); err != nil {
		return Answer{}, err
	}

	return p.result(), nil
}

// result returns the answer that was read. Without anything to send it is empty, unless the AI says that it sends nothing.
func (p *parser) result() Answer {
	if len(p.Replies) > 0 || p.Handoff != nil {
		p.Later = false
		p.Empty = false
	} else {
		p.Empty = p.Empty || !p.Later && !p.isSilent
	}

	return p.Answer
}

// readValue decodes an answer or a part of one. The parts of an answer are depth levels below it.
func (p *parser) readValue(raw json.RawMessage, depth int) error {
	if depth > maxDepth {
		return errors.New("the answer is nested too deep")
	}

	switch raw[0] {
	case '[':
		return p.readList(raw, depth, false)
	case '{':
		return p.readObject(raw, depth)
	default:
		if err := p.readScalar(raw); err != nil {
			return fmt.Errorf("the answer is %w", err)
		}

		return nil
	}
}

// readList decodes a list of messages, or of the parts of a model's message. Parts of types that are not known, such as calls
// of tools and their results, are not words for the person, and are left out if there are words beside them.
func (p *parser) readList(raw json.RawMessage, depth int, isModels bool) error {
	var elements []json.RawMessage
	if err := Decode(raw, &elements); err != nil {
		return fmt.Errorf("the list of messages is %w", err)
	}

	if len(elements) > maxReplies {
		return fmt.Errorf("the answer has more than %d messages", maxReplies)
	}

	if len(elements) == 0 {
		p.isSilent = true
	}

	var unknown error

	before := len(p.Replies)

	for i, element := range elements {
		if element[0] == '[' {
			return fmt.Errorf("message %d is neither a string nor an object", i+1)
		}

		err := p.readValue(element, depth+1)

		switch {
		case errors.Is(err, errUnknownType) && (isModels || slices.ContainsFunc(elements, isModelMessage)):
			unknown = cmp.Or(unknown, inMessage(i+1, err))
		case err != nil:
			return inMessage(i+1, err)
		}

		if len(p.Replies) > 2*maxReplies {
			return fmt.Errorf("the answer has more than %d messages", maxReplies)
		}
	}

	if len(p.Replies) > before {
		return nil
	}

	return unknown
}

// isModelMessage reports whether an element of a list is a message of OpenAI's Responses.
func isModelMessage(raw json.RawMessage) bool {
	var element struct {
		Type json.RawMessage `json:"type"`
	}

	return json.Unmarshal(raw, &element) == nil && string(element.Type) == `"message"`
}

// inMessage names the message of a list that an error is about, unless the error names one of a list in it. A MissingError
// stays as it is.
func inMessage(number int, err error) error {
	_, isMissing := errors.AsType[*MissingError](err)
	if text, ok := strings.CutPrefix(err.Error(), "the answer "); ok && !isMissing {
		return &messageError{
			number: number,
			text:   text,
			cause:  err,
		}
	}

	return err
}

// messageError is an error in a message of a list.
type messageError struct {
	number int
	text   string
	cause  error
}

func (e *messageError) Error() string { return fmt.Sprintf("message %d %s", e.number, e.text) }

func (e *messageError) Unwrap() error { return e.cause }

// readScalar decodes a text, a number, or null. Its errors complete the sentence "the answer is …".
func (p *parser) readScalar(raw json.RawMessage) error {
	if raw[0] == 'n' {
		return nil
	}

	if raw[0] != '"' && !isNumber(raw) {
		return errors.New("neither a string nor an object")
	}

	var text text
	if err := Decode(raw, &text); err != nil {
		return err
	}

	p.addText(string(text), false)

	return nil
}

var errUnknownType = errors.New("of a type that is not known")

// readTyped decodes a message that has a type. Its errors complete the sentence "the answer is …".
func (p *parser) readTyped(raw json.RawMessage) error {
	var message struct {
		Type            string `json:"type"`
		InteractiveType text   `json:"interactive_type"`
	}
	if err := Decode(raw, &message); err != nil {
		return err
	}

	kind := message.Type
	if kind == "interactive" {
		kind = string(message.InteractiveType)
	}

	read, known := readers[kind]
	if !known {
		return errUnknownType
	}

	return read(p, raw)
}

func (p *parser) addText(text string, previewURL bool) {
	if strings.TrimSpace(text) != "" {
		p.Replies = append(p.Replies, Reply{
			Kind:       KindText,
			Text:       text,
			PreviewURL: previewURL,
		})
	}
}

// embedded removes the names of the contract's parts, which are not properties, from the path of a property.
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
