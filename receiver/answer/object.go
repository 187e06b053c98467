// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxConversationID is the size in bytes up to which the AI's id of a conversation is kept.
const maxConversationID = 256

// object is an object of an answer: a message with its type, or the answer under one of the keys that AIs and workflow
// programs use. What stands beside the answer is in the other properties.
type object struct {
	Type     json.RawMessage `json:"type"`
	Response json.RawMessage `json:"response"`
	Reply    json.RawMessage `json:"reply"`
	Answer   json.RawMessage `json:"answer"` // Dify
	Output   json.RawMessage `json:"output"` // n8n, LangServe, OpenAI's Responses
	Text     json.RawMessage `json:"text"`
	Message  json.RawMessage `json:"message"`
	Content  json.RawMessage `json:"content"` // of a message of a chat with a model
	Custom   json.RawMessage `json:"custom"`  // Rasa
	Choices  []struct {
		Message json.RawMessage `json:"message"`
		Text    json.RawMessage `json:"text"`
	} `json:"choices"` // OpenAI's Chat Completions

	Handoff        *Handoff        `json:"handoff"`
	QuickReplies   []option        `json:"quick_replies"`
	Buttons        json.RawMessage `json:"buttons"` // of Rasa
	Accepted       json.RawMessage `json:"accepted"`
	Error          json.RawMessage `json:"error"`
	Success        json.RawMessage `json:"success"`
	Status         json.RawMessage `json:"status"`
	Attempt        json.RawMessage `json:"attempt"`
	RequestID      json.RawMessage `json:"request_id"`
	ConversationID json.RawMessage `json:"conversation_id"`
}

// readObject decodes an object and what stands beside the answer in it.
func (a *Answer) readObject(raw json.RawMessage, depth int) error {
	var o object
	if err := Decode(raw, &o); err != nil {
		return fmt.Errorf("the answer is %w", err)
	}

	before := len(a.Replies)
	if err := a.readContent(o, raw, depth); err != nil {
		return err
	}

	if choices, err := o.choices(); err != nil || len(choices) > 0 {
		if err == nil {
			err = a.addQuickReplies(choices, before)
		}

		if err != nil {
			return err
		}
	}

	if a.Handoff == nil {
		a.Handoff = o.Handoff
	}

	a.noteConversation(o.ConversationID)

	return nil
}

// choices returns the quick replies or buttons beside a text.
func (o *object) choices() ([]option, error) {
	if !present(o.Response) && o.hasType() && string(o.Type) != `"text"` {
		return nil, nil // they belong to the message
	}

	choices := o.QuickReplies

	if present(o.Buttons) {
		var buttons []option
		if err := Decode(o.Buttons, &buttons); err != nil {
			return nil, fmt.Errorf("the answer has buttons %w", err)
		}

		choices = append(choices, buttons...)
	}

	return choices, nil
}

// hasType reports whether an object is a message with a type of the contract.
func (o *object) hasType() bool {
	return present(o.Type) && string(o.Type) != `""` && string(o.Type) != `"message"`
}

// readContent decodes the answer in an object.
func (a *Answer) readContent(o object, raw json.RawMessage, depth int) error {
	a.Later = a.Later || string(o.Accepted) == "true"

	if present(o.Response) {
		return a.readValue(o.Response, depth+1)
	}

	if o.hasType() {
		return complete(a.readTyped(raw))
	}

	switch string(o.Error) {
	case "", "null", "false", `""`, "{}", "[]":
	default:
		return errors.New("the answer is an error")
	}

	nested, found := o.answer()
	words := nested

	if !present(words) {
		words = o.Text
	}

	captioned, hasFiles, err := a.readFiles(o, raw, words)

	switch {
	case err != nil:
		return complete(err)
	case captioned:
		return nil
	case o.isReceipt(nested):
		a.Empty = true
		return nil
	case present(nested):
		return a.readValue(nested, depth+1)
	case present(o.Text):
		return complete(readText(a, raw))
	case hasFiles, found, o.Text != nil, o.Response != nil, o.Handoff != nil, a.Later:
		return nil // the answer says that there is nothing more to send
	}

	return missing(raw)
}

// complete completes an error of a reader to a sentence.
func complete(err error) error {
	if err != nil {
		return fmt.Errorf("the answer is %w", err)
	}

	return nil
}

// answer returns the value of the first key with an answer that is not null. found reports whether there is such a key. The
// order is from the keys that hold nothing but an answer to those that can hold a remark about it.
func (o *object) answer() (value json.RawMessage, found bool) {
	values := []json.RawMessage{
		o.Reply,
		o.Answer,
		o.Output,
	}

	for _, choice := range o.Choices[:min(len(o.Choices), 1)] {
		values = append(values, choice.Message, choice.Text)
	}

	if !present(o.Text) && !o.isFailure() {
		values = append(values, o.Message, o.Content, o.Custom)
	}

	for _, value := range values {
		if present(value) {
			return value, true
		}

		found = found || value != nil
	}

	return nil, found
}

// isFailure reports whether an object says that something went wrong, so that its message is not for the person.
func (o *object) isFailure() bool {
	status := strings.ToLower(string(o.Status))

	return string(o.Success) == "false" || status == `"error"` || status == `"failed"` || status == `"fail"`
}

// receipts are the texts by which workflow programs say that a workflow without an answer has begun: an n8n webhook that
// responds at once, and a Make webhook without a response module.
var receipts = []string{"Workflow was started", "Workflow got started", "Accepted"}

// isReceipt reports whether an object, whose answer may be nested, is a receipt: of n8n or of a Zapier hook.
func (o *object) isReceipt(nested json.RawMessage) bool {
	if !present(nested) {
		return string(o.Status) == `"success"` && o.Attempt != nil && o.RequestID != nil
	}

	isReceipt := func(text string) bool { return string(o.Message) == `"`+text+`"` }

	return string(nested) == string(o.Message) && slices.ContainsFunc(receipts, isReceipt)
}

// noteConversation keeps the AI's id of the conversation, a string or a number.
func (a *Answer) noteConversation(raw json.RawMessage) {
	if !present(raw) {
		return
	}

	var id identifier
	if json.Unmarshal(raw, &id) != nil || len(id) > maxConversationID {
		a.BadConversationID = true
		return
	}

	a.ConversationID = new(string(id))
}
