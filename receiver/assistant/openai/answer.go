// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// completed is the body of a chat completion.
//
// Source: https://platform.openai.com/docs/api-reference/chat/object
type completed struct {
	Choices []choice        `json:"choices"`
	Error   json.RawMessage `json:"error"` // OpenRouter's failures of the model's provider
	Usage   lenient[struct {
		Input  lenient[float64] `json:"prompt_tokens"` // some servers and proxies compute fractions
		Output lenient[float64] `json:"completion_tokens"`
	}] `json:"usage"`
}

type choice struct {
	Message struct {
		Content json.RawMessage              `json:"content"` // a string, or a list of parts from some servers
		Refusal lenient[string]              `json:"refusal"`
		Calls   lenient[[]lenient[toolCall]] `json:"tool_calls"` // one of another type calls no function, which is a failure
	} `json:"message"`
	FinishReason lenient[string] `json:"finish_reason"`
	Error        json.RawMessage `json:"error"`
}

// lenient is a value that is left out if it has another JSON type: what is beside an answer must not make it unreadable.
type lenient[T any] struct{ value T }

// UnmarshalJSON never fails on valid JSON.
func (l *lenient[T]) UnmarshalJSON(raw []byte) error {
	var value T
	if json.Unmarshal(raw, &value) == nil {
		l.value = value
	}

	return nil
}

// Answer implements assistant.Driver. Only the first call of a function counts.
func (Driver) Answer(_ *config.Snapshot, r assistant.Request, response *httpclient.Response) (answer.Answer, error) {
	raw := bytes.TrimPrefix(response.Body, []byte("\ufeff")) // a byte order mark

	var body completed
	if err := json.Unmarshal(raw, &body); err != nil {
		return answer.Answer{}, unreadable(r, response, raw)
	}

	if answer.Present(body.Error) {
		return answer.Answer{}, failed(r, response, body.Error)
	}

	if len(body.Choices) == 0 {
		return answer.Answer{}, unreadable(r, response, raw)
	}

	first := body.Choices[0]
	if answer.Present(first.Error) {
		return answer.Answer{}, failed(r, response, first.Error)
	}

	given, err := first.answer()
	if err != nil {
		return answer.Answer{}, err
	}

	given.Usage = answer.Usage{
		InputTokens:  int64(body.Usage.value.Input.value),
		OutputTokens: int64(body.Usage.value.Output.value),
		Truncated:    first.FinishReason.value == "length",
	}

	return given, nil
}

func (c choice) answer() (answer.Answer, error) {
	content := withoutReasoning(textOf(c.Message.Content))

	switch {
	case len(c.Message.Calls.value) > 0:
		return c.Message.Calls.value[0].value.answer(content)
	case c.Message.Refusal.value != "":
		return answer.Answer{}, errors.New("the AI refuses to answer")
	case content == "" && c.FinishReason.value == "content_filter":
		return answer.Answer{}, errors.New("a content filter removed the answer")
	case content == "" && c.FinishReason.value == "length":
		return answer.Answer{}, errors.New("the AI used its limit of tokens before it wrote an answer: raise openAI.maxOutputTokens")
	case content == "":
		return answer.Answer{}, errors.New("the answer is empty")
	}

	return answer.Answer{Replies: []answer.Reply{{Kind: answer.KindText, Text: content}}}, nil
}

// textOf returns the text of a content, which is a string or a list of parts.
func textOf(content json.RawMessage) string {
	var text string
	if len(content) == 0 || json.Unmarshal(content, &text) == nil {
		return strings.TrimSpace(text)
	}

	var parts []json.RawMessage
	if json.Unmarshal(content, &parts) != nil {
		parts = []json.RawMessage{content}
	}

	var joined strings.Builder

	for _, raw := range parts {
		var (
			text string
			part struct {
				Type string `json:"type"`
				Text string `json:"text"`
			}
		)

		switch { // another shape has no text
		case json.Unmarshal(raw, &text) == nil:
			joined.WriteString(text)
		case json.Unmarshal(raw, &part) == nil && (part.Type == "text" || part.Type == "output_text"):
			joined.WriteString(part.Text)
		}
	}

	return strings.TrimSpace(joined.String())
}

// withoutReasoning removes the reasoning of a model before its answer, if the server does not separate it. Many chat templates
// begin the reasoning in the prompt, so that the content has only its end.
func withoutReasoning(text string) string {
	const begin, end = "<think>", "</think>"

	before, after, isEnded := strings.Cut(text, end)
	thoughts, isBegun := strings.CutPrefix(before, begin)

	switch {
	case isBegun, isEnded && !strings.Contains(thoughts, begin):
		return strings.TrimSpace(after) // without an end mark, all of it is reasoning
	default:
		return text
	}
}

// unreadable returns the failure for a response of status 200 without an answer. It may be an error without the key of one: a list
// of Gemini's, or an object that says so itself.
func unreadable(r assistant.Request, response *httpclient.Response, raw []byte) error {
	var list []struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 && answer.Present(list[0].Error) {
		return failed(r, response, list[0].Error)
	}

	var object struct {
		Kind lenient[string] `json:"object"`
	}

	switch err := json.Unmarshal(raw, &object); {
	case err != nil && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("data:")):
		return errors.New("the answer is a stream of events, although the request asks for none")
	case err != nil:
		return errors.New("the answer is not a chat completion")
	case object.Kind.value == "error":
		return failed(r, response, raw)
	default:
		return errors.New("the answer has no choices")
	}
}

// failed returns the failure for an error in a response of status 200. Its code is the status that the provider gave.
func failed(r assistant.Request, response *httpclient.Response, raw json.RawMessage) error {
	refusal := *response
	refusal.Body = []byte(`{"error":` + string(raw) + `}`)
	refusal.Status = http.StatusBadGateway

	if status, err := strconv.Atoi(readProblem(refusal.Body).code); err == nil && status >= 400 && status <= 599 {
		refusal.Status = status
	}

	return Driver{}.Refused(r, &refusal)
}
