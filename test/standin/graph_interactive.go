// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
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
	Name       string
	Button     string
	Buttons    []interactiveButton
	Sections   []interactiveSection
	Parameters json.RawMessage
	CatalogID  string `json:"catalog_id"`
	RetailerID string `json:"product_retailer_id"`
	Cards      []carouselCard
}

type interactiveButton struct {
	Type       string
	Reply      buttonReply
	QuickReply buttonReply `json:"quick_reply"`
}

type buttonReply struct{ ID, Title string }

type interactiveSection struct {
	Title    string
	Rows     []struct{ ID, Title, Description string }
	Products []struct {
		RetailerID string `json:"product_retailer_id"`
	} `json:"product_items"`
}

// interactiveKind is what Meta's reference states for one type of interactive messages.
type interactiveKind struct {
	check       func(*interactiveAction) *problem
	headers     []string // the types of its header; none: it has no header
	longestBody int      // defaults to 1024
	bodyless    bool     // the body is optional
	headed      bool     // the header is required
	footless    bool     // it has no footer
}

// interactiveKinds are the types that Meta takes.
var interactiveKinds = map[string]interactiveKind{
	"button":  {check: checkButtons, headers: []string{"text", "image", "video", "document"}},
	"cta_url": {check: checkLink, headers: []string{"text", "image", "video", "document"}},
	"flow":    {check: checkFlow, headers: []string{"text", "image", "video", "document"}},
	"list": {
		check:       checkList,
		headers:     []string{"text"},
		longestBody: 4096,
	},
	"address_message":          {check: checkAddress, headers: []string{"text"}},
	"location_request_message": {check: checkAction("send_location"), footless: true},
	"request_contact_info":     {check: checkAction("request_contact_info"), footless: true},
	"call_permission_request": {
		check:    checkAction("call_permission_request"),
		bodyless: true,
		footless: true,
	},
	"voice_call": {check: checkAction("voice_call")},
	"product":    {check: checkProduct, bodyless: true},
	"product_list": {
		check:   checkProductList,
		headers: []string{"text"},
		headed:  true,
	},
	"catalog_message": {check: checkAction("catalog_message")},
	"carousel":        {check: checkCarousel, footless: true},
}

// checkInteractive validates an interactive object by the limits that Meta's reference states for its type.
func checkInteractive(object json.RawMessage) *problem {
	var interactive interactiveObject
	if p := decode(object, &interactive); p != nil {
		return p
	}

	if interactive.Action == nil {
		return refused(131008, "Interactive action is required")
	}

	kind, known := interactiveKinds[interactive.Type]
	if !known {
		return refused(131009, "Interactive type %q is not known", interactive.Type)
	}

	var body, footer *problem
	switch {
	case interactive.Body != nil:
		body = length("Body text", interactive.Body.Text, true, cmp.Or(kind.longestBody, 1024))
	case !kind.bodyless:
		body = refused(131008, "Body text is required")
	}

	switch {
	case interactive.Footer == nil:
	case kind.footless:
		footer = refused(131009, "Footer is not valid for interactive type %q", interactive.Type)
	default:
		footer = length("Footer text", interactive.Footer.Text, false, 60)
	}

	return first(body, footer, checkHeader(interactive, kind), kind.check(interactive.Action))
}

// checkAction returns the check of an action that only has a name.
func checkAction(name string) func(*interactiveAction) *problem {
	return func(action *interactiveAction) *problem {
		if action.Name != name {
			return refused(131009, "Action name is not %s", name)
		}

		return nil
	}
}

func checkHeader(interactive interactiveObject, kind interactiveKind) *problem {
	header := interactive.Header

	switch {
	case header == nil && kind.headed:
		return refused(131008, "Header is required")
	case header == nil:
		return nil
	case !slices.Contains(kind.headers, header.Type):
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
