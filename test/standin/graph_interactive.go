// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"net/url"
	"slices"
)

type interactiveObject struct {
	Type   string
	Header *interactiveHeader
	Body   *struct{ Text string }
	Footer *struct{ Text string }
	Action *interactiveAction
}

type interactiveHeader struct {
	Type, Text             string
	Image, Video, Document json.RawMessage
}

type interactiveAction struct {
	Name    string
	Button  string
	Buttons []struct {
		Type  string
		Reply struct{ ID, Title string }
	}
	Sections []struct {
		Title string
		Rows  []struct{ ID, Title, Description string }
	}
	Parameters json.RawMessage
}

// checkInteractive validates an interactive object by the limits that Meta's reference states for its type.
func checkInteractive(object json.RawMessage) *problem {
	var interactive interactiveObject
	if p := decode(object, &interactive); p != nil {
		return p
	}

	action := interactive.Action
	if action == nil {
		return refused(131008, "Interactive action is required")
	}

	var specific *problem

	longestBody := 1024
	switch interactive.Type {
	case "button":
		specific = checkButtons(action)
	case "list":
		longestBody = 4096
		specific = checkList(action)
	case "cta_url":
		specific = checkLink(action)
	case "flow":
		if action.Name != interactive.Type || len(action.Parameters) == 0 {
			specific = refused(131008, "Action name %q and its parameters are required", interactive.Type)
		}
	case "location_request_message", "address_message", "product", "product_list",
		"catalog_message", "voice_call", "call_permission_request":
	default:
		return refused(131009, "Interactive type %q is not known", interactive.Type)
	}

	var body, footer *problem
	switch {
	case interactive.Body != nil:
		body = length("Body text", interactive.Body.Text, true, longestBody)
	case interactive.Type != "product":
		body = refused(131008, "Body text is required")
	}

	if interactive.Footer != nil {
		footer = length("Footer text", interactive.Footer.Text, false, 60)
	}

	return first(body, footer, checkHeader(interactive), specific)
}

// headerTypes are the headers that Meta takes by type of message. Other types have no header.
var headerTypes = map[string][]string{
	"button":       {"text", "image", "video", "document"},
	"cta_url":      {"text", "image", "video", "document"},
	"flow":         {"text", "image", "video", "document"},
	"list":         {"text"},
	"product_list": {"text"},
}

func checkHeader(interactive interactiveObject) *problem {
	header := interactive.Header
	if header == nil {
		return nil
	}

	if !slices.Contains(headerTypes[interactive.Type], header.Type) {
		return refused(131009, "Header type %q is not valid for interactive type %q", header.Type, interactive.Type)
	}

	var file json.RawMessage

	switch header.Type {
	case "image":
		file = header.Image
	case "video":
		file = header.Video
	case "document":
		file = header.Document
	default:
		return length("Header text", header.Text, true, 60)
	}

	if file == nil {
		return refused(131008, "The header's %s is required", header.Type)
	}

	return checkMedia(file)
}

// checkLink validates the action of a message of type cta_url.
func checkLink(action *interactiveAction) *problem {
	if action.Name != "cta_url" || action.Parameters == nil {
		return refused(131008, "Action name cta_url and its parameters are required")
	}

	var parameters struct {
		DisplayText string `json:"display_text"`
		URL         string
	}
	if p := decode(action.Parameters, &parameters); p != nil {
		return p
	}

	return first(
		length("Button display_text", parameters.DisplayText, true, 20),
		checkURL("Button url", parameters.URL),
	)
}

// checkURL checks that a string is an absolute web address.
func checkURL(what, value string) *problem {
	address, err := url.Parse(value)
	if err != nil || !slices.Contains([]string{"http", "https"}, address.Scheme) || address.Host == "" {
		return refused(131009, "%s is not a valid URL", what)
	}

	return nil
}

func checkButtons(action *interactiveAction) *problem {
	if len(action.Buttons) < 1 || len(action.Buttons) > 3 {
		return refused(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
	}

	ids := make(map[string]bool, len(action.Buttons))
	for _, button := range action.Buttons {
		if button.Type != "reply" {
			return refused(131009, "Button type %q is not reply", button.Type)
		}

		p := first(
			length("Button id", button.Reply.ID, true, 256),
			length("Button title", button.Reply.Title, true, 20),
		)
		if p != nil {
			return p
		}

		if ids[button.Reply.ID] {
			return refused(131009, "Duplicated button id")
		}

		ids[button.Reply.ID] = true
	}

	return nil
}

func checkList(action *interactiveAction) *problem {
	if p := length("List button", action.Button, true, 20); p != nil {
		return p
	}

	rows := 0

	ids := map[string]bool{}
	for _, section := range action.Sections {
		// A title is required if there is more than one section.
		if p := length("Section title", section.Title, len(action.Sections) > 1, 24); p != nil {
			return p
		}

		for _, row := range section.Rows {
			p := first(
				length("Row id", row.ID, true, 200),
				length("Row title", row.Title, true, 24),
				length("Row description", row.Description, false, 72),
			)
			if p != nil {
				return p
			}

			if ids[row.ID] {
				return refused(131009, "Duplicated row id")
			}

			ids[row.ID] = true
			rows++
		}
	}

	if rows < 1 || rows > 10 {
		return refused(131009, "Total row count exceed max allowed count. Min: 1, Max: 10, got: %d", rows)
	}

	return nil
}
