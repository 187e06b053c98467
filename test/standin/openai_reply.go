// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ToolCall is a reply that calls a function.
type ToolCall struct {
	// Name is the name of the function.
	Name string
	// Arguments are sent as a text of JSON. A string is sent as it is.
	Arguments any
	// Content is the text beside the call.
	Content string
}

// Refusal is a reply that refuses to answer.
type Refusal string

// Completion is a reply with everything that a choice of OpenAI has.
type Completion struct {
	// Content is null if it is nil.
	Content *string
	// Refusal is null if it is empty.
	Refusal string
	// Calls are the calls of functions.
	Calls []ToolCall
	// FinishReason is stop, length, content_filter or tool_calls. Defaults to tool_calls with Calls, else to stop.
	FinishReason string
	// NoChoices lets the answer have no choice at all.
	NoChoices bool
}

// completionOf returns the completion for a reply, or the error that it is.
func completionOf(reply any) (Completion, *OpenAIError) {
	switch reply := reply.(type) {
	case string:
		return Completion{Content: &reply}, nil
	case ToolCall:
		completion := Completion{Calls: []ToolCall{reply}}
		if reply.Content != "" {
			completion.Content = &reply.Content
		}

		return completion, nil
	case Refusal:
		return Completion{Refusal: string(reply)}, nil
	case Completion:
		return reply, nil
	case OpenAIError:
		return Completion{}, &reply
	case nil:
		return Completion{}, nil
	}

	return Completion{}, &OpenAIError{
		Status:  500,
		Message: fmt.Sprintf("the stand-in cannot reply with %T", reply),
		Type:    "server_error",
	}
}

// object returns the answer as OpenAI sends it.
//
// Source: https://platform.openai.com/docs/api-reference/chat/object
func (c Completion) object(id string, call ChatCall, at time.Time) map[string]any {
	message := map[string]any{
		"role":        "assistant",
		"content":     c.Content,
		"refusal":     nil,
		"annotations": []any{},
	}

	if c.Refusal != "" {
		message["refusal"] = c.Refusal
	}

	finish := "stop"

	if len(c.Calls) > 0 {
		finish = "tool_calls"
		calls := make([]any, len(c.Calls))

		for i, called := range c.Calls {
			calls[i] = called.object(fmt.Sprintf("call_%s_%d", strings.TrimPrefix(id, "chatcmpl-"), i))
		}

		message["tool_calls"] = calls
	}

	if c.FinishReason != "" {
		finish = c.FinishReason
	}

	choices := []any{map[string]any{
		"index":         0,
		"message":       message,
		"logprobs":      nil,
		"finish_reason": finish,
	}}

	if c.NoChoices {
		choices = []any{}
	}

	return map[string]any{
		"id":                 id,
		"object":             "chat.completion",
		"created":            at.Unix(),
		"model":              call.Model,
		"choices":            choices,
		"service_tier":       "default",
		"system_fingerprint": nil,
		"usage": map[string]any{
			"prompt_tokens":     call.size / 4,
			"completion_tokens": 8,
			"total_tokens":      call.size/4 + 8,
		},
	}
}

func (t ToolCall) object(id string) map[string]any {
	arguments, isText := t.Arguments.(string)
	if !isText {
		encoded, err := json.Marshal(t.Arguments)
		if err != nil {
			encoded = []byte(err.Error())
		}

		arguments = string(encoded)
	}

	return map[string]any{
		"id":   id,
		"type": "function",
		"function": map[string]string{
			"name":      t.Name,
			"arguments": arguments,
		},
	}
}

// The words of a person that EchoChat answers in another way than with a text.
const (
	// WantsPerson asks for a person: the model calls hand_off_to_human, if it is offered.
	WantsPerson = "person please"
	// WantsChoices asks for choices: the model calls offer_choices, if it is offered.
	WantsChoices = "choices please"
	// WantsRefusal lets the model refuse.
	WantsRefusal = "refuse please"
	// WantsSilence lets the model answer with an empty text.
	WantsSilence = "silence please"
	// WantsLength lets the answer end at the token limit.
	WantsLength = "length please"
	// WantsFilter lets a content filter end the answer.
	WantsFilter = "filter please"
)

// EchoChat repeats the last message of the user, and says which pictures and files came with it. The words Wants… get other
// answers.
func EchoChat(chat ChatCall) any {
	text := chat.Last("user")
	empty := ""
	cut := "You said: " + text + " and"

	switch {
	case strings.Contains(text, WantsPerson) && slices.Contains(chat.Tools, "hand_off_to_human"):
		return ToolCall{
			Name:      "hand_off_to_human",
			Arguments: map[string]string{"reason": "the customer asked for a person"},
			Content:   "One moment, a colleague will write to you.",
		}
	case strings.Contains(text, WantsChoices) && slices.Contains(chat.Tools, "offer_choices"):
		return ToolCall{
			Name:      "offer_choices",
			Arguments: map[string]any{"text": "Which size?", "options": []string{"Small", "Large"}},
		}
	case strings.Contains(text, WantsRefusal):
		return Refusal("I'm sorry, I can't help with that.")
	case strings.Contains(text, WantsSilence):
		return Completion{Content: &empty}
	case strings.Contains(text, WantsLength):
		return Completion{Content: &cut, FinishReason: "length"}
	case strings.Contains(text, WantsFilter):
		return Completion{Content: &empty, FinishReason: "content_filter"}
	}

	last := chat.Messages[len(chat.Messages)-1]
	answer := "You said: " + text

	if n := len(last.Images); n > 0 {
		answer += fmt.Sprintf(" (pictures: %d)", n)
	}

	if len(last.Files) > 0 {
		answer += " (files: " + strings.Join(last.Files, ", ") + ")"
	}

	return answer
}
