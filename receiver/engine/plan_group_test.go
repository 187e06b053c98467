// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
)

func TestForGroup(t *testing.T) {
	text := func(words string) []bird.Reply { return []bird.Reply{{Kind: bird.KindText, Text: words}} }
	image := bird.ReplyMedia{Type: "image", URL: "https://a.example/b.jpg"}
	withCaption := image
	withCaption.Caption = "Which?\n\n1. Red"

	product := bird.Reply{Kind: bird.KindProduct, Product: &bird.Product{CatalogID: "1", RetailerID: "a"}}
	template := bird.Reply{Kind: bird.KindTemplate, Template: &bird.Template{Name: "n", Language: "es"}}

	for name, tc := range map[string]struct {
		reply bird.Reply
		want  []bird.Reply
	}{
		"text":     {text("hi")[0], text("hi")},
		"template": {template, []bird.Reply{template}},
		"reaction": {bird.Reply{Kind: bird.KindReaction, Emoji: "👍"}, []bird.Reply{}},
		"buttons": {
			bird.Reply{
				Kind:    bird.KindButtons,
				Header:  "Colours",
				Text:    "Which?",
				Footer:  "Take one",
				Buttons: []bird.Option{{ID: "r", Title: "Red"}, {ID: "b", Title: "Blue"}},
			},
			text("Colours\n\nWhich?\n\n1. Red\n2. Blue\n\nTake one"),
		},
		"buttons below an image": {
			bird.Reply{
				Kind:        bird.KindButtons,
				Text:        "Which?",
				HeaderMedia: &image,
				Buttons:     []bird.Option{{ID: "r", Title: "Red"}},
			},
			[]bird.Reply{{Kind: bird.KindMedia, Media: &withCaption}},
		},
		"list": {
			bird.Reply{
				Kind: bird.KindList,
				Text: "Which?",
				List: &bird.List{Sections: []bird.Section{
					{Title: "Plain", Rows: []bird.Option{{Title: "Red", Description: "warm"}}},
					{Rows: []bird.Option{{Title: "Mixed"}}},
				}},
			},
			text("Which?\n\nPlain\n1. Red: warm\n\n2. Mixed"),
		},
		"link": {
			bird.Reply{
				Kind: bird.KindLink,
				Text: "Dates",
				Link: &bird.Link{Label: "Open", URL: "https://a.example"},
			},
			text("Dates\n\nOpen: https://a.example"),
		},
		"carousel": {
			bird.Reply{
				Kind: bird.KindCarousel,
				Text: "Plants",
				Cards: []bird.Card{
					{Text: "Rose", Buttons: []bird.Option{{Title: "Buy"}}},
					{Text: "Fern", Buttons: []bird.Option{{Title: "Buy"}}},
					{Link: &bird.Link{Label: "Oak", URL: "https://a.example"}},
				},
			},
			text("Plants\n\nRose\n1. Buy\n\nFern\n2. Buy\n\nOak: https://a.example"),
		},
		"location": {
			bird.Reply{Kind: bird.KindLocation, Location: &bird.Location{
				Latitude:  4.5,
				Longitude: -74.25,
				Name:      "Shop",
			}},
			text("Shop\nhttps://maps.google.com/?q=4.5,-74.25"),
		},
		"contacts": {
			bird.Reply{Kind: bird.KindContacts, Contacts: []json.RawMessage{
				json.RawMessage(`{"name":{"formatted_name":"Ana"},"phones":[{"phone":"+573001234567"}],"emails":[{"email":"ana@mail.example"}]}`),
				json.RawMessage(`{"name":{"first_name":"Luis","last_name":"Ruiz"}}`),
			}},
			text("Ana\n+573001234567\nana@mail.example\n\nLuis Ruiz"),
		},
		"request": {bird.Reply{Kind: bird.KindLocationRequest, Text: "Where?"}, text("Where?")},
		"product": {product, []bird.Reply{product}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, forGroup([]bird.Reply{tc.reply})); diff != "" {
				t.Errorf("forGroup() (-want +got):\n%s", diff)
			}
		})
	}
}
