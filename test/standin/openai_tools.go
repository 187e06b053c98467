// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// functionName is the form of the name of a function.
var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// chatTool is a function that a model may call.
//
// Source: https://platform.openai.com/docs/guides/function-calling
type chatTool struct {
	Type     string `json:"type"`
	Function struct {
		Name        string         `json:"name"`
		Description string         `json:"description"`
		Parameters  map[string]any `json:"parameters"`
		Strict      bool           `json:"strict"`
	} `json:"function"`
}

func (t chatTool) check(param string) error {
	switch {
	case t.Type != "function":
		return invalidValue(param+".type", fmt.Sprintf("got '%s', supported is 'function'.", t.Type))
	case t.Function.Name == "":
		return missingParameter(param + ".function.name")
	case !functionName.MatchString(t.Function.Name):
		return invalidValue(param+".function.name", "string does not match pattern. Expected a string that matches the pattern "+
			"'^[a-zA-Z0-9_-]+$'.")
	case t.Function.Parameters == nil && t.Function.Strict:
		return t.invalidSchema(param, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.")
	case t.Function.Parameters == nil:
		return nil
	case t.Function.Parameters["type"] != "object":
		return t.invalidSchema(param, fmt.Sprintf("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"%v\"'.",
			t.Function.Parameters["type"]))
	}

	return t.checkSchema(param, "()", t.Function.Parameters)
}

// checkSchema validates a schema and those in it. A strict one requires every property and allows no other.
//
// Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
func (t chatTool) checkSchema(param, context string, schema map[string]any) error {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	items, hasItems := schema["items"].(map[string]any)
	isObject := schema["type"] == "object" || slices.Contains(asList(schema["type"]), any("object"))
	isArray := schema["type"] == "array" || slices.Contains(asList(schema["type"]), any("array"))

	switch {
	case isArray && !hasItems:
		return t.invalidSchema(param, "In context="+context+", array schema missing items.")
	case isObject && t.Function.Strict && schema["additionalProperties"] != false:
		return t.invalidSchema(param, "In context="+context+", 'additionalProperties' is required to be supplied and to be false.")
	}

	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if t.Function.Strict && !slices.Contains(required, any(name)) {
			return t.invalidSchema(param, "In context="+context+", 'required' is required to be supplied and to be an array including "+
				"every key in properties. Missing '"+name+"'.")
		}

		property, ok := properties[name].(map[string]any)
		if !ok {
			return t.invalidSchema(param, "In context="+context+", '"+name+"' is not a schema.")
		}

		if err := t.checkSchema(param, "('properties', '"+name+"')", property); err != nil {
			return err
		}
	}

	if hasItems {
		return t.checkSchema(param, "('items')", items)
	}

	return nil
}

func asList(value any) []any {
	list, _ := value.([]any)

	return list
}

func (t chatTool) invalidSchema(param, problem string) error {
	return OpenAIError{
		Message: fmt.Sprintf("Invalid schema for function '%s': %s", t.Function.Name, problem),
		Param:   param + ".function.parameters",
		Code:    "invalid_function_parameters",
	}
}

// chatToolCall is a call of a function in a message of the assistant.
type chatToolCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments any    `json:"arguments"`
	} `json:"function"`
}

func (c chatToolCall) check(param string) error {
	_, isText := c.Function.Arguments.(string)

	switch {
	case c.ID == "":
		return missingParameter(param + ".id")
	case c.Type != "function":
		return missingParameter(param + ".type")
	case c.Function.Name == "":
		return missingParameter(param + ".function.name")
	case !isText:
		return invalidType(param+".function.arguments", "a string")
	}

	return nil
}

// checkToolMessages validates that each call of a function is followed by its result, and each result by nothing else.
func checkToolMessages(messages []json.RawMessage) error {
	open := map[string]bool{}

	for i, raw := range messages {
		var message struct {
			Role       string         `json:"role"`
			ToolCallID string         `json:"tool_call_id"`
			ToolCalls  []chatToolCall `json:"tool_calls"`
		}

		if err := json.Unmarshal(raw, &message); err != nil {
			return invalidType(fmt.Sprintf("messages[%d]", i), "a message object")
		}

		if message.Role == "tool" {
			if !open[message.ToolCallID] {
				return OpenAIError{
					Message: "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
					Param:   fmt.Sprintf("messages.[%d].role", i),
				}
			}

			delete(open, message.ToolCallID)

			continue
		}

		if len(open) > 0 {
			return unansweredToolCalls()
		}

		for _, call := range message.ToolCalls {
			open[call.ID] = true
		}
	}

	if len(open) > 0 {
		return unansweredToolCalls()
	}

	return nil
}

func unansweredToolCalls() error {
	return OpenAIError{
		Message: "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.",
		Param:   "messages",
	}
}
