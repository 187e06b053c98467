// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxConversationID is the size in bytes up to which the AI's id of a conversation is kept.
const maxConversationID = 256

// object is an object of an answer: a message with its type, or the answer under one of the keys of AIs and workflow programs.
// The other properties are beside the answer.
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
	Choices  list[struct {
		Message json.RawMessage `json:"message"`
		Text    json.RawMessage `json:"text"`
	}] `json:"choices"` // OpenAI's Chat Completions

	Image      json.RawMessage `json:"image"`
	Video      json.RawMessage `json:"video"`
	Audio      json.RawMessage `json:"audio"`
	Document   json.RawMessage `json:"document"`
	Attachment json.RawMessage `json:"attachment"`

	Data   json.RawMessage `json:"data"`   // an envelope around the answer
	Result json.RawMessage `json:"result"` // an envelope around the answer

	Handoff        handoff         `json:"handoff"`
	QuickReplies   options         `json:"quick_replies"`
	Buttons        json.RawMessage `json:"buttons"` // of Rasa
	Accepted       json.RawMessage `json:"accepted"`
	Error          json.RawMessage `json:"error"`
	Success        json.RawMessage `json:"success"`
	Status         json.RawMessage `json:"status"`
	StatusCode     json.RawMessage `json:"statusCode"`
	Code           json.RawMessage `json:"code"`
	Attempt        json.RawMessage `json:"attempt"`
	RequestID      json.RawMessage `json:"request_id"`
	ConversationID json.RawMessage `json:"conversation_id"`
}

// readObject decodes an object and what stands beside the answer in it.
func (p *parser) readObject(raw json.RawMessage, depth int) error {
	var o object
	if err := Decode(raw, &o); err != nil {
		return fmt.Errorf("the answer is %w", err)
	}

	before := len(p.Replies)
	if err := p.readContent(o, raw, depth); err != nil {
		return err
	}

	if choices, err := o.choices(); err != nil || len(choices) > 0 {
		if err == nil {
			err = p.addQuickReplies(choices, before)
		}

		if err != nil {
			return err
		}
	}

	if p.Handoff == nil {
		p.Handoff = o.Handoff.given
	}

	p.storeConversationID(o.ConversationID)

	return nil
}

// choices returns the quick replies or buttons beside a text.
func (o *object) choices() (options, error) {
	if !Present(o.Response) && o.hasType() && !o.isText() {
		return nil, nil // they belong to the message
	}

	choices := o.QuickReplies

	if filled(o.Buttons) {
		var buttons options
		if err := Decode(o.Buttons, &buttons); err != nil {
			return nil, fmt.Errorf("the answer has buttons %w", err)
		}

		choices = append(choices, buttons...)
	}

	return choices, nil
}

// hasType reports whether an object is a message with a type of the contract.
func (o *object) hasType() bool {
	return filled(o.Type) && string(o.Type) != `"message"`
}

// isText reports whether an object is a text with its type.
func (o *object) isText() bool { return string(o.Type) == `"text"` }

// readContent decodes the answer in an object.
func (p *parser) readContent(o object, raw json.RawMessage, depth int) error {
	p.Later = p.Later || string(o.Accepted) == "true"

	if filled(o.Response) {
		return p.readBesideFiles(o, o.Response, func() error { return p.readValue(o.Response, depth+1) })
	}

	if Present(o.Response) {
		o = o.withoutComments()
	}

	if o.isText() {
		return p.readBesideFiles(o, o.Text, func() error { return complete(p.readTyped(raw)) })
	}

	if o.hasType() {
		return complete(p.readTyped(raw))
	}

	if filled(o.Error) && string(o.Error) != "0" {
		return errors.New("the answer is an error")
	}

	if o.isSilent() {
		return p.readBesideFiles(o, nil, func() error {
			p.isSilent = true
			return nil
		})
	}

	return p.readKeys(o, raw, depth)
}

// readKeys decodes the answer under the first key of an object that has one.
func (p *parser) readKeys(o object, raw json.RawMessage, depth int) error {
	nested, isParts, found := o.answer()
	text := nested

	if !filled(text) {
		text = o.Text
	}

	before := len(p.Replies)

	return p.readBesideFiles(o, text, func() error {
		switch {
		case o.isReceipt(nested):
			p.Empty = true
			return nil
		case filled(nested) && isParts && nested[0] == '[':
			return p.readList(nested, depth+1, true)
		case filled(nested):
			return p.readNested(nested, depth+1)
		case filled(o.Text):
			return complete(readText(p, raw))
		case o.wrapped() != nil:
			return p.readValue(o.wrapped(), depth+1)
		case Present(nested):
			return p.readValue(nested, depth+1)
		case Present(o.Response):
			return p.readValue(o.Response, depth+1)
		case o.Response != nil:
			p.isSilent = true
			return nil
		case len(p.Replies) > before, found, o.Text != nil, o.Handoff.given != nil, p.Later, o.namesFile():
			return nil // the answer says that there is nothing more to send
		}

		return missing(raw)
	})
}

// namesFile reports whether an object has the name of a file, whether or not there is one.
func (o *object) namesFile() bool {
	return slices.ContainsFunc(o.files(), func(f namedFile) bool { return f.value != nil })
}

// readBesideFiles decodes the files of an object, and then the rest, unless the rest is a caption.
func (p *parser) readBesideFiles(o object, text json.RawMessage, read func() error) error {
	isCaptioned, err := p.readFiles(o, text)
	if err != nil || isCaptioned {
		return complete(err)
	}

	return read()
}

// complete completes an error of a reader to a sentence.
func complete(err error) error {
	if err != nil {
		return fmt.Errorf("the answer is %w", err)
	}

	return nil
}

// answer returns the value of the first key that contains an answer, else of the first key that is not null. Keys that only
// hold answers come before keys that may hold a comment. isParts reports whether the value is the content of a model's message,
// and found whether such a key exists.
func (o *object) answer() (value json.RawMessage, isParts, found bool) {
	values := []json.RawMessage{
		o.Reply,
		o.Answer,
		o.Output,
	}

	for _, choice := range o.Choices[:min(len(o.Choices), 1)] {
		values = append(values, choice.Message, choice.Text)
	}

	content := -1

	if !filled(o.Text) && !o.isFailure() {
		content = len(values) + 1
		values = append(values, o.Message, o.Content, o.Custom)
	}

	for _, isWanted := range []func(json.RawMessage) bool{filled, Present} {
		if i := slices.IndexFunc(values, isWanted); i >= 0 {
			return values[i], i == content, true
		}
	}

	return nil, false, slices.ContainsFunc(values, func(value json.RawMessage) bool { return value != nil })
}

// wrapped returns the envelope of an answer, or nil. An object within a response may be anything, such as a record of the
// person, so it counts only if it has a key that only holds answers.
func (o *object) wrapped() json.RawMessage {
	if o.isFailure() {
		return nil
	}

	for _, envelope := range []json.RawMessage{o.Data, o.Result} {
		var inner struct {
			Response json.RawMessage `json:"response"`
			Reply    json.RawMessage `json:"reply"`
			Answer   json.RawMessage `json:"answer"`
		}

		isObject := filled(envelope) && json.Unmarshal(envelope, &inner) == nil
		if isObject && (filled(inner.Response) || filled(inner.Reply) || filled(inner.Answer)) {
			return envelope
		}
	}

	return nil
}

// isFailure reports whether an object says that something went wrong, so that its message is not for the person.
func (o *object) isFailure() bool {
	status := strings.ToLower(string(o.Status))

	return string(o.Success) == "false" || status == `"error"` || status == `"failed"` || status == `"fail"` ||
		slices.ContainsFunc([]json.RawMessage{o.Status, o.StatusCode, o.Code}, isErrorStatus)
}

// isErrorStatus reports whether a property is a status of HTTP for an error, as frameworks write it beside their message.
func isErrorStatus(raw json.RawMessage) bool {
	status, err := strconv.Atoi(strings.Trim(string(raw), `"`))

	return err == nil && status >= 400 && status <= 599
}

// receipts are the texts by which workflow programs say that a workflow without an answer has begun: an n8n webhook that
// responds at once, and a Make webhook without a response module.
var receipts = []string{"Workflow was started", "Workflow got started", "Accepted"}

// isReceipt reports whether an object, whose answer may be nested, is a receipt: of n8n or of a Zapier hook.
func (o *object) isReceipt(nested json.RawMessage) bool {
	if !filled(nested) {
		return string(o.Status) == `"success"` && o.Attempt != nil && o.RequestID != nil
	}

	isReceipt := func(text string) bool { return string(o.Message) == `"`+text+`"` }

	return string(nested) == string(o.Message) && slices.ContainsFunc(receipts, isReceipt)
}

// storeConversationID keeps the AI's id of the conversation, a string or a number.
func (p *parser) storeConversationID(raw json.RawMessage) {
	if !Present(raw) {
		return
	}

	var id identifier
	if isText := raw[0] == '"' || isNumber(raw); !isText || json.Unmarshal(raw, &id) != nil || len(id) > maxConversationID {
		p.BadConversationID = true
		return
	}

	p.ConversationID = new(string(id))
}
