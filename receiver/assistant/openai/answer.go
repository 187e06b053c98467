// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
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
	Usage   struct {
		Input  int64 `json:"prompt_tokens"`
		Output int64 `json:"completion_tokens"`
	} `json:"usage"`
}

type choice struct {
	Message struct {
		Content json.RawMessage `json:"content"` // a string, or a list of parts from some servers
		Refusal string          `json:"refusal"`
		Calls   []toolCall      `json:"tool_calls"`
	} `json:"message"`
	FinishReason string          `json:"finish_reason"`
	Error        json.RawMessage `json:"error"`
}

// Answer implements assistant.Driver. Only the first call of a function counts.
func (Driver) Answer(_ *config.Snapshot, r assistant.Request, response *httpclient.Response) (answer.Answer, error) {
	var body completed
	if err := json.Unmarshal(response.Body, &body); err != nil {
		return answer.Answer{}, errors.New("the answer is not a chat completion")
	}

	if answer.Present(body.Error) {
		return answer.Answer{}, failed(r, response, body.Error)
	}

	if len(body.Choices) == 0 {
		return answer.Answer{}, errors.New("the answer has no choices")
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
		InputTokens:  body.Usage.Input,
		OutputTokens: body.Usage.Output,
		Truncated:    first.FinishReason == "length",
	}

	return given, nil
}

func (c choice) answer() (answer.Answer, error) {
	content := withoutReasoning(textOf(c.Message.Content))

	switch {
	case len(c.Message.Calls) > 0:
		return c.Message.Calls[0].answer(content)
	case c.Message.Refusal != "":
		return answer.Answer{}, errors.New("the AI refuses to answer")
	case content == "" && c.FinishReason == "content_filter":
		return answer.Answer{}, errors.New("a content filter removed the answer")
	case content == "" && c.FinishReason == "length":
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

	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}

	_ = json.Unmarshal(content, &parts) // another shape has no text

	var joined strings.Builder

	for _, part := range parts {
		if part.Type == "text" {
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
		return strings.TrimSpace(after) // without an end it is all thoughts
	default:
		return text
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
