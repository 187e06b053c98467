// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"cmp"
	"encoding/json"
	"net/url"
)

type sentInteractive struct {
	Type   string      `json:"type"`
	Header *sentHeader `json:"header"`
	Body   sentText    `json:"body"`
	Footer sentText    `json:"footer"`
	Action sentAction  `json:"action"`
}

type sentText struct {
	Text string `json:"text"`
}

type sentHeader struct {
	Text     string     `json:"text"`
	Image    *sentMedia `json:"image"`
	Video    *sentMedia `json:"video"`
	Document *sentMedia `json:"document"`
}

type sentAction struct {
	Name       string          `json:"name"`
	Button     string          `json:"button"`
	Buttons    []sentButton    `json:"buttons"`
	Sections   []sentSection   `json:"sections"`
	Cards      []sentCard      `json:"cards"`
	CatalogID  string          `json:"catalog_id"`
	ProductID  string          `json:"product_retailer_id"`
	Parameters json.RawMessage `json:"parameters"`
}

type sentButton struct {
	Reply      sentReply `json:"reply"`
	QuickReply sentReply `json:"quick_reply"`
}

type sentReply struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type sentSection struct {
	Title string `json:"title"`
	Rows  []struct {
		ID          string `json:"id"`
		Title       string `json:"title"`
		Description string `json:"description"`
	} `json:"rows"`
	Products []struct {
		ID string `json:"product_retailer_id"`
	} `json:"product_items"`
}

type sentCard struct {
	Header *sentHeader `json:"header"`
	Body   sentText    `json:"body"`
	Action sentAction  `json:"action"`
}

// sentParameters are the parameters of the actions that a phone shows as a button.
type sentParameters struct {
	DisplayText string `json:"display_text"`
	URL         string `json:"url"`
	FormButton  string `json:"flow_cta"`
	FormID      string `json:"flow_id"`
	FormName    string `json:"flow_name"`
	FormToken   string `json:"flow_token"`
}

func (h *sentHeader) media() *Media {
	if h == nil {
		return nil
	}

	for _, medium := range []*sentMedia{h.Image, h.Video, h.Document} {
		if medium != nil {
			return medium.show()
		}
	}

	return nil
}

// show shows a message with something to tap.
func (i *sentInteractive) show(m *Message) {
	m.Text = i.Body.Text
	m.Footer = i.Footer.Text
	m.Media = i.Header.media()

	if i.Header != nil {
		m.Header = i.Header.Text
	}

	m.Options = i.Action.options(i.Type)
	m.Products = i.Action.products()

	if i.Type == "list" {
		m.ListButton = i.Action.Button
	}

	for _, card := range i.Action.Cards {
		shown := Card{
			Media:   card.Header.media(),
			Text:    card.Body.Text,
			Options: card.Action.options(""),
		}
		if products := card.Action.products(); len(products) > 0 {
			shown.Product = &products[0]
		}

		m.Cards = append(m.Cards, shown)
	}
}

// options returns what can be tapped. The kind of an interactive message is empty for a card.
func (a *sentAction) options(kind string) []Option {
	var options []Option

	for _, b := range a.Buttons {
		reply := b.Reply
		if reply.Title == "" {
			reply = b.QuickReply
		}

		options = append(options, Option{
			Kind:  OptionReply,
			ID:    reply.ID,
			Title: reply.Title,
		})
	}

	for _, section := range a.Sections {
		for _, row := range section.Rows {
			options = append(options, Option{
				Kind:        OptionRow,
				ID:          row.ID,
				Title:       row.Title,
				Description: row.Description,
				Section:     section.Title,
			})
		}
	}

	if button, ok := a.button(kind); ok {
		options = append(options, button)
	}

	return options
}

// button returns the one button of an action that has only one.
func (a *sentAction) button(kind string) (Option, bool) {
	var p sentParameters

	_ = json.Unmarshal(a.Parameters, &p) // of another form nothing is shown

	switch name := cmp.Or(a.Name, kind); name {
	case "cta_url":
		link := Option{
			Kind:  OptionURL,
			Title: p.DisplayText,
			URL:   p.URL,
		}
		if target, err := url.Parse(p.URL); err != nil || target.Scheme != "http" && target.Scheme != "https" {
			link.Kind = OptionNone
			link.URL = ""
		}

		return link, true
	case "flow":
		return Option{
			Kind:        OptionForm,
			ID:          "form",
			Title:       cmp.Or(p.FormButton, "Open"),
			Description: cmp.Or(p.FormName, p.FormID),
			Value:       p.FormToken,
		}, true
	case "send_location":
		return Option{Kind: OptionLocation, Title: "Send location"}, true
	case "catalog_message":
		return Option{Kind: OptionNone, Title: "View catalog"}, true
	case "request_contact_info", "call_permission_request", "address_message", "voice_call":
		return Option{Kind: OptionNone, Title: buttonTitles[name]}, true
	}

	return Option{}, false
}

// buttonTitles are the titles that WhatsApp gives to buttons.
var buttonTitles = map[string]string{
	"request_contact_info":    "Share phone number",
	"call_permission_request": "Allow calls",
	"address_message":         "Provide address",
	"voice_call":              "Call",
}

func (a *sentAction) products() []Product {
	var products []Product
	if a.ProductID != "" {
		products = append(products, Product{ID: a.ProductID, Catalog: a.CatalogID})
	}

	for _, section := range a.Sections {
		for _, p := range section.Products {
			products = append(products, Product{ID: p.ID, Catalog: a.CatalogID})
		}
	}

	return products
}
