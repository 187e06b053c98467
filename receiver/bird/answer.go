// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"bytes"
	"encoding/json"
	"strings"
)

// maxReplies bounds the messages of one answer.
const maxReplies = 5

// Answer is what the AI wants the person to get, in order. No replies: nothing is sent.
type Answer struct {
	Replies []Reply
}

// Reply is one message to the person.
type Reply struct {
	Text       string
	PreviewURL bool
}

// parseAnswer reads a 2xx body: the contract's object, a bare string, or a flat reply without the response wrapper.
// What fits none of them is a permanent failure that names what was found, never what it said.
func parseAnswer(op string, body []byte) (Answer, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return Answer{}, nil
	}
	if !json.Valid(body) {
		return Answer{}, badResponse(op, "the answer is no JSON")
	}
	response := json.RawMessage(body)
	if body[0] == '{' {
		var wrapper struct {
			Response json.RawMessage `json:"response"`
			Type     *string         `json:"type"`
			Accepted *bool           `json:"accepted"`
		}
		if err := json.Unmarshal(body, &wrapper); err != nil {
			return Answer{}, badResponse(op, "response, type or accepted has an unexpected JSON type")
		}
		switch {
		case wrapper.Response != nil:
			response = wrapper.Response
		case wrapper.Type == nil && wrapper.Accepted != nil:
			return Answer{}, badResponse(op, "answering later is not supported; answer the call itself")
		case wrapper.Type == nil:
			return Answer{}, badResponse(op, "the answer has neither response nor type")
		}
	}
	return parseResponse(op, response)
}

func parseResponse(op string, response json.RawMessage) (Answer, error) {
	elements := []json.RawMessage{response}
	if response[0] == '[' {
		if err := json.Unmarshal(response, &elements); err != nil {
			return Answer{}, badResponse(op, "response is no list that can be read")
		}
	}
	if len(elements) > maxReplies {
		return Answer{}, badResponse(op, "response has more than 5 messages")
	}
	var answer Answer
	for _, element := range elements {
		reply, err := parseReply(op, element)
		if err != nil {
			return Answer{}, err
		}
		if reply != nil {
			answer.Replies = append(answer.Replies, *reply)
		}
	}
	return answer, nil
}

// parseReply reads one message; nil means that nothing is to be sent.
func parseReply(op string, raw json.RawMessage) (*Reply, error) {
	switch raw[0] {
	case 'n':
		return nil, nil
	case '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, badResponse(op, "a text cannot be read")
		}
		return textReply(text, false), nil
	case '{':
		var object struct {
			Type       string `json:"type"`
			Text       string `json:"text"`
			PreviewURL bool   `json:"preview_url"`
		}
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, badResponse(op, "type, text or preview_url has an unexpected JSON type")
		}
		switch object.Type {
		case "none":
			return nil, nil
		case "text":
			return textReply(object.Text, object.PreviewURL), nil
		}
		return nil, badResponse(op, "a reply has a type other than text and none")
	}
	return nil, badResponse(op, "a reply is neither a string nor an object")
}

func textReply(text string, previewURL bool) *Reply {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return &Reply{Text: text, PreviewURL: previewURL}
}
