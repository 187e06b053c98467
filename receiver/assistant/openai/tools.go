// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
)

// The functions that a model can call in place of a text.
const (
	toolHandOff = "hand_off_to_human"
	toolChoices = "offer_choices"
)

const (
	// maxOptions is how many choices WhatsApp can show.
	maxOptions = 10
	// maxLines is how many choices are written as lines of a text. More than a person can read are a fault of the model.
	maxLines = 100
	// maxOptionID is the length of the id of a choice, in characters.
	maxOptionID = 200
)

// tool describes a function.
//
// Source: https://platform.openai.com/docs/guides/function-calling
type tool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Parameters  schema `json:"parameters"`
	Strict      bool   `json:"strict,omitempty"`
}

// schema is a JSON Schema in the subset that strict functions take: each property is required, and no other is allowed.
//
// Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
type schema struct {
	Type        string            `json:"type"`
	Description string            `json:"description,omitempty"`
	Properties  map[string]schema `json:"properties,omitempty"`
	Items       *schema           `json:"items,omitempty"`
	Required    []string          `json:"required,omitempty"`
	Additional  *bool             `json:"additionalProperties,omitempty"`
}

// tools returns the functions. Strict lets the server make sure that calls follow the schema; some do not support it.
func tools(strict bool) []tool {
	text := func(description string) schema { return schema{Type: "string", Description: description} }
	object := func(properties map[string]schema, names ...string) schema {
		all := schema{
			Type:       "object",
			Properties: properties,
			Required:   names,
		}
		if strict {
			all.Additional = new(false)
		}

		return all
	}

	return []tool{
		{"function", function{
			Name:        toolHandOff,
			Description: "Hands the conversation off to a colleague at the business.",
			Strict:      strict,
			Parameters: object(map[string]schema{
				"reason": text("Why a colleague has to take over. The colleague reads it."),
				"text":   text("A text for the person, such as that a colleague will reply."),
			}, "reason", "text"),
		}},
		{"function", function{
			Name:        toolChoices,
			Description: "Sends a text with choices that the person can tap. Use it when the answer is one of at most ten short options.",
			Strict:      strict,
			Parameters: object(map[string]schema{
				"text": text("The question, without the options."),
				"options": {
					Type:        "array",
					Description: "2 to 10 options of at most 20 characters.",
					Items:       &schema{Type: "string"},
				},
			}, "text", "options"),
		}},
	}
}

// toolCall is the call of a function in an answer. Arguments are JSON in a string; some servers send the object itself.
type toolCall struct {
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
}

// answer returns the answer that a call stands for, with the text beside it.
func (c toolCall) answer(content string) (answer.Answer, error) {
	arguments := c.Function.Arguments

	var quoted string
	if len(arguments) == 0 || json.Unmarshal(arguments, &quoted) == nil {
		arguments = json.RawMessage(cmp.Or(quoted, "{}"))
	}

	var given struct {
		Reason  argument   `json:"reason"`
		Text    argument   `json:"text"`
		Options []argument `json:"options"`
	}

	err := json.Unmarshal(arguments, &given)
	text := strings.TrimSpace(string(given.Text))

	switch name := c.Function.Name; {
	case name != toolHandOff && name != toolChoices:
		return answer.Answer{}, errors.New("the AI calls a function that it was not offered")
	case err != nil:
		return answer.Answer{}, errors.New("the arguments of " + name + " are not the JSON object of its schema")
	case name == toolChoices:
		return choices(content, text, textsOf(given.Options))
	default:
		return answer.Answer{Handoff: &answer.Handoff{Reason: string(given.Reason), Text: cmp.Or(content, text)}}, nil
	}
}

// argument is a text. Models that are not bound to the schema also write a number or a truth value.
type argument string

// UnmarshalJSON decodes an argument.
func (a *argument) UnmarshalJSON(raw []byte) error {
	if bytes.ContainsRune([]byte(`"n[{`), rune(raw[0])) { // null leaves it empty
		return json.Unmarshal(raw, (*string)(a))
	}

	*a = argument(raw)

	return nil
}

func textsOf(arguments []argument) []string {
	texts := make([]string, 0, len(arguments))
	for _, given := range arguments {
		texts = append(texts, string(given))
	}

	return texts
}

// choices returns a text with options: as buttons or a list, or as lines of the text if there are too many.
func choices(content, text string, given []string) (answer.Answer, error) {
	options := distinct(given)

	if text == "" {
		text = content
		content = ""
	}

	if text == "" {
		return answer.Answer{}, errors.New("the AI offers choices without a text")
	}

	var offered answer.Answer

	if content != "" && content != text {
		offered.Replies = append(offered.Replies, answer.Reply{Kind: answer.KindText, Text: content})
	}

	reply := answer.Reply{Kind: answer.KindText, Text: text}

	switch {
	case len(options) > maxOptions:
		reply.Text = withLines(text, options)
	case len(options) > 0:
		reply.Kind = answer.KindButtons
		reply.Buttons = options
	}

	offered.Replies = append(offered.Replies, reply)

	return offered, nil
}

// distinct returns up to maxLines options, without blank options and repetitions.
func distinct(titles []string) []answer.Option {
	var options []answer.Option

	isKnown := map[string]bool{}

	for _, title := range titles {
		title = strings.TrimSpace(title)
		id := []rune(title)
		option := answer.Option{ID: strings.TrimSpace(string(id[:min(len(id), maxOptionID)])), Title: title}

		if title == "" || isKnown[option.ID] {
			continue
		}

		isKnown[option.ID] = true
		options = append(options, option)

		if len(options) == maxLines {
			break
		}
	}

	return options
}

// withLines returns a text with a line for each option.
func withLines(text string, options []answer.Option) string {
	var lines strings.Builder

	lines.WriteString(text)

	for _, option := range options {
		lines.WriteString("\n- ")
		lines.WriteString(option.Title)
	}

	return lines.String()
}
