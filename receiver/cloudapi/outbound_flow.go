// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// flowMessageVersion is the only version that Meta takes.
const flowMessageVersion = "3"

// FlowContent is a text with a button that opens a flow: ID or Name is set.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-flow-messages
// and schema ActionObject of Meta's OpenAPI description of the messages API.
type FlowContent struct {
	Frame
	Label  string // of the button; Meta takes no emoji in it
	ID     string
	Name   string
	Token  string          // returned with the person's answer. Defaults to the callback of the message.
	Mode   string          // draft or published. Defaults to published.
	Action string          // navigate or data_exchange. Defaults to navigate.
	Screen string          // the first screen; only of navigate
	Data   json.RawMessage // an object for the first screen; only of navigate
}

type flowParameters struct {
	Version string       `json:"flow_message_version"`
	Token   string       `json:"flow_token,omitempty"`
	ID      string       `json:"flow_id,omitempty"`
	Name    string       `json:"flow_name,omitempty"`
	Label   string       `json:"flow_cta"`
	Mode    string       `json:"mode,omitempty"`
	Action  string       `json:"flow_action,omitempty"`
	Payload *flowPayload `json:"flow_action_payload,omitempty"`
}

type flowPayload struct {
	Screen string          `json:"screen,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"`
}

func (c FlowContent) put(message *outbound) (int, error) {
	if err := checkLength("the text above the flow", c.Text, MaxBodyRunes, "send part of it before"); err != nil {
		return 0, err
	}

	if err := c.check(); err != nil {
		return 0, err
	}

	var cut truncator

	label := withoutEmoji(c.Label)
	if label == "" {
		return 0, invalidMessage("the flow has no label: write on its button what it opens, not in emoji alone")
	}

	object, err := c.object(&cut, "flow")
	if err != nil {
		return 0, err
	}

	parameters := flowParameters{
		Version: flowMessageVersion,
		Token:   c.Token,
		ID:      c.ID,
		Name:    c.Name,
		Label:   cut.fit(label, maxLabel),
		Mode:    c.Mode,
		Action:  c.Action,
	}
	if parameters.Token == "" {
		parameters.Token = message.Callback
	}

	if c.Screen != "" || len(c.Data) > 0 {
		parameters.Action = "navigate"
		parameters.Payload = &flowPayload{Screen: c.Screen, Data: c.Data}
	}

	object.Action.Name = "flow"
	object.Action.Parameters = parameters
	message.setInteractive(object)

	return cut.count, nil
}

func (c FlowContent) check() error {
	switch {
	case (c.ID == "") == (c.Name == ""):
		return invalidMessage("the flow needs either its id or its name, and not both")
	case !slices.Contains([]string{"", "draft", "published"}, c.Mode):
		return invalidMessage("the flow has an unknown mode: give draft or published")
	case !slices.Contains([]string{"", "navigate", "data_exchange"}, c.Action):
		return invalidMessage("the flow has an unknown action: give navigate or data_exchange")
	case c.Action == "data_exchange" && (c.Screen != "" || len(c.Data) > 0):
		return invalidMessage("the flow exchanges data, so that its endpoint chooses the screen: give neither screen nor data")
	}

	var data map[string]json.RawMessage
	if len(c.Data) > 0 && (json.Unmarshal(c.Data, &data) != nil || len(data) == 0) {
		return invalidMessage("the flow's data is not a JSON object with a property: leave it out if the screen needs none")
	}

	return nil
}

// withoutEmoji returns text without emoji and without the blanks around them.
func withoutEmoji(text string) string {
	var kept strings.Builder

	for clusters := uniseg.NewGraphemes(text); clusters.Next(); {
		if !slices.ContainsFunc(clusters.Runes(), isEmoji) {
			kept.WriteString(clusters.Str())
		}
	}

	return strings.Join(strings.Fields(kept.String()), " ")
}

// isEmoji reports whether a character is a pictogram, or asks for one. Signs such as © and № come before the arrows.
func isEmoji(r rune) bool {
	const firstArrow, emojiStyle, keycap = '\u2190', '\ufe0f', '\u20e3'

	return r >= firstArrow && unicode.Is(unicode.So, r) || r == emojiStyle || r == keycap
}
