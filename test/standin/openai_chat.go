// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// chatParameters are the parameters of a chat completion.
//
// Source: https://platform.openai.com/docs/api-reference/chat/create
var chatParameters = []string{
	"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
	"messages", "metadata", "modalities", "model", "n", "parallel_tool_calls", "prediction", "presence_penalty",
	"prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed",
	"service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p",
	"user", "verbosity", "web_search_options",
}

// chatRoles are the roles of a message.
var chatRoles = []string{"system", "assistant", "user", "function", "tool", "developer"}

// chatRequest are the parameters that the stand-in reads.
type chatRequest struct {
	Model               string            `json:"model"`
	Messages            []json.RawMessage `json:"messages"`
	Tools               []chatTool        `json:"tools"`
	MaxCompletionTokens *int              `json:"max_completion_tokens"`
	MaxTokens           *int              `json:"max_tokens"`
	User                string            `json:"user"`
	Stream              bool              `json:"stream"`
}

// readChat validates a request. Its error is an OpenAIError.
func (o *OpenAI) readChat(raw []byte) (ChatCall, error) {
	call := ChatCall{size: len(raw)}
	if err := json.Unmarshal(raw, &call.Body); err != nil {
		return ChatCall{}, invalidJSON(err)
	}

	for _, parameter := range slices.Sorted(maps.Keys(call.Body)) {
		if !o.options.Lenient && !slices.Contains(chatParameters, parameter) {
			return ChatCall{}, unknownParameter(parameter)
		}
	}

	var request chatRequest
	if err := json.Unmarshal(raw, &request); err != nil {
		return ChatCall{}, OpenAIError{Message: "Invalid type: " + err.Error(), Code: "invalid_type"}
	}

	call.Model = request.Model
	call.User = request.User

	if err := o.checkParameters(request); err != nil {
		return ChatCall{}, err
	}

	if request.MaxCompletionTokens != nil {
		call.MaxTokens = *request.MaxCompletionTokens
	} else if request.MaxTokens != nil {
		call.MaxTokens = *request.MaxTokens
	}

	characters := 0

	for i, raw := range request.Messages {
		message, err := readChatMessage(fmt.Sprintf("messages[%d]", i), raw)
		if err != nil {
			return ChatCall{}, err
		}

		call.Messages = append(call.Messages, message)
		characters += len([]rune(message.Text))
	}

	if tokens := characters / 4; tokens > o.options.ContextTokens {
		return ChatCall{}, contextExceeded(o.options.ContextTokens, tokens)
	}

	if err := checkToolMessages(request.Messages); err != nil {
		return ChatCall{}, err
	}

	for i, tool := range request.Tools {
		if err := tool.check(fmt.Sprintf("tools[%d]", i)); err != nil {
			return ChatCall{}, err
		}

		call.Tools = append(call.Tools, tool.Function.Name)
	}

	return call, nil
}

func (o *OpenAI) checkParameters(request chatRequest) error {
	switch {
	case request.Model == "":
		return OpenAIError{Message: "you must provide a model parameter"}
	case !slices.Contains(o.options.Models, request.Model):
		return unknownModel(request.Model)
	case request.Messages == nil:
		return missingParameter("messages")
	case len(request.Messages) == 0:
		return OpenAIError{
			Message: "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
			Param:   "messages",
			Code:    "empty_array",
		}
	case request.MaxCompletionTokens != nil && *request.MaxCompletionTokens < 1:
		return invalidValue("max_completion_tokens", "integer below minimum value. Expected a value >= 1.")
	case request.MaxCompletionTokens != nil && request.MaxTokens != nil:
		return OpenAIError{
			Message: "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
			Code:    "invalid_parameter_combination",
		}
	case request.Stream:
		return OpenAIError{
			Message: "The stand-in does not stream.",
			Param:   "stream",
			Code:    "unsupported_value",
		}
	}

	return nil
}

// chatPart is a part of the content of a message.
type chatPart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Refusal  string `json:"refusal"`
	ImageURL *struct {
		URL    string `json:"url"`
		Detail string `json:"detail"`
	} `json:"image_url"`
	File *struct {
		FileID   string `json:"file_id"`
		Filename string `json:"filename"`
		FileData string `json:"file_data"`
	} `json:"file"`
}

// readChatMessage validates one message, which param names.
func readChatMessage(param string, raw []byte) (ChatMessage, error) {
	var message struct {
		Role       string          `json:"role"`
		Content    json.RawMessage `json:"content"`
		Refusal    *string         `json:"refusal"`
		Name       string          `json:"name"`
		ToolCallID string          `json:"tool_call_id"`
		ToolCalls  []chatToolCall  `json:"tool_calls"`
	}
	if err := json.Unmarshal(raw, &message); err != nil {
		return ChatMessage{}, invalidType(param, "a message object")
	}

	read := ChatMessage{Role: message.Role}

	switch {
	case message.Role == "":
		return ChatMessage{}, missingParameter(param + ".role")
	case !slices.Contains(chatRoles, message.Role):
		return ChatMessage{}, OpenAIError{
			Message: fmt.Sprintf("Invalid value: '%s'. Supported values are: '%s'.", message.Role, strings.Join(chatRoles, "', '")),
			Param:   param + ".role",
			Code:    "invalid_value",
		}
	case message.Role == "tool" && message.ToolCallID == "":
		return ChatMessage{}, missingParameter(param + ".tool_call_id")
	}

	for i, call := range message.ToolCalls {
		if message.Role != "assistant" {
			return ChatMessage{}, unknownParameter(param + ".tool_calls")
		}

		if err := call.check(fmt.Sprintf("%s.tool_calls[%d]", param, i)); err != nil {
			return ChatMessage{}, err
		}

		read.ToolCalls = append(read.ToolCalls, call.Function.Name)
	}

	content := strings.TrimSpace(string(message.Content))
	if content == "" || content == "null" {
		if message.Role == "assistant" && (len(message.ToolCalls) > 0 || message.Refusal != nil) {
			return read, nil
		}

		return ChatMessage{}, OpenAIError{
			Message: "Invalid value for 'content': expected a string, got null.",
			Param:   param + ".content",
		}
	}

	if err := read.addContent(param+".content", message.Content); err != nil {
		return ChatMessage{}, err
	}

	return read, nil
}

// addContent validates the content of a message, a text or a list of parts, and adds it.
func (m *ChatMessage) addContent(param string, content json.RawMessage) error {
	if json.Unmarshal(content, &m.Text) == nil {
		return nil
	}

	var parts []chatPart
	if err := json.Unmarshal(content, &parts); err != nil {
		return invalidType(param, "one of a string or array of objects")
	}

	if len(parts) == 0 {
		return OpenAIError{
			Message: "Invalid '" + param + "': empty array. Expected an array with minimum length 1.",
			Param:   param,
			Code:    "empty_array",
		}
	}

	for i, part := range parts {
		if err := m.add(fmt.Sprintf("%s[%d]", param, i), part); err != nil {
			return err
		}
	}

	return nil
}

// add validates a part of the content and adds it. Pictures and files are for users only.
func (m *ChatMessage) add(param string, part chatPart) error {
	allowed := []string{"text"}

	switch m.Role {
	case "user":
		allowed = append(allowed, "image_url", "input_audio", "file")
	case "assistant":
		allowed = append(allowed, "refusal")
	}

	if !slices.Contains(allowed, part.Type) {
		return OpenAIError{
			Message: fmt.Sprintf("Invalid value: '%s'. Supported values are: '%s'.", part.Type, strings.Join(allowed, "', '")),
			Param:   param,
			Code:    "invalid_value",
		}
	}

	switch part.Type {
	case "text":
		if part.Text == "" {
			return missingParameter(param + ".text")
		}

		m.Text = strings.TrimPrefix(m.Text+"\n"+part.Text, "\n")
	case "image_url":
		if part.ImageURL == nil || part.ImageURL.URL == "" {
			return missingParameter(param + ".image_url.url")
		}

		if !slices.Contains([]string{"auto", "low", "high"}, cmp.Or(part.ImageURL.Detail, "auto")) {
			return invalidValue(param+".image_url.detail", "expected one of 'auto', 'low', 'high'.")
		}

		m.Images = append(m.Images, part.ImageURL.URL)

		return checkImageURL(param, part.ImageURL.URL)
	case "file":
		if part.File == nil {
			return missingParameter(param + ".file")
		}

		m.Files = append(m.Files, part.File.Filename)

		return checkFile(param, part.File.FileID, part.File.Filename, part.File.FileData)
	}

	return nil
}
