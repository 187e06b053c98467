// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
)

func TestForGroup(t *testing.T) {
	text := func(words string) []answer.Reply { return []answer.Reply{{Kind: answer.KindText, Text: words}} }
	image := answer.ReplyMedia{Type: "image", URL: "https://a.example/b.jpg"}
	withCaption := image
	withCaption.Caption = "Which?\n\n1. Red"

	product := answer.Reply{Kind: answer.KindProduct, Product: &answer.Product{CatalogID: "1", RetailerID: "a"}}
	template := answer.Reply{Kind: answer.KindTemplate, Template: &answer.Template{Name: "n", Language: "es"}}

	for name, tc := range map[string]struct {
		reply answer.Reply
		want  []answer.Reply
	}{
		"text":     {text("hi")[0], text("hi")},
		"template": {template, []answer.Reply{template}},
		"reaction": {answer.Reply{Kind: answer.KindReaction, Emoji: "👍"}, []answer.Reply{}},
		"buttons": {
			answer.Reply{
				Kind:    answer.KindButtons,
				Header:  "Colours",
				Text:    "Which?",
				Footer:  "Take one",
				Buttons: []answer.Option{{ID: "r", Title: "Red"}, {ID: "b", Title: "Blue"}},
			},
			text("Colours\n\nWhich?\n\n1. Red\n2. Blue\n\nTake one"),
		},
		"buttons below an image": {
			answer.Reply{
				Kind:        answer.KindButtons,
				Text:        "Which?",
				HeaderMedia: &image,
				Buttons:     []answer.Option{{ID: "r", Title: "Red"}},
			},
			[]answer.Reply{{Kind: answer.KindMedia, Media: &withCaption}},
		},
		"list": {
			answer.Reply{
				Kind: answer.KindList,
				Text: "Which?",
				List: &answer.List{Sections: []answer.Section{
					{Title: "Plain", Rows: []answer.Option{{Title: "Red", Description: "warm"}}},
					{Rows: []answer.Option{{Title: "Mixed"}}},
				}},
			},
			text("Which?\n\nPlain\n1. Red: warm\n\n2. Mixed"),
		},
		"link": {
			answer.Reply{
				Kind: answer.KindLink,
				Text: "Dates",
				Link: &answer.Link{Label: "Open", URL: "https://a.example"},
			},
			text("Dates\n\nOpen: https://a.example"),
		},
		"carousel": {
			answer.Reply{
				Kind: answer.KindCarousel,
				Text: "Plants",
				Cards: []answer.Card{
					{Text: "Rose", Buttons: []answer.Option{{Title: "Buy"}}},
					{Text: "Fern", Buttons: []answer.Option{{Title: "Buy"}}},
					{Link: &answer.Link{Label: "Oak", URL: "https://a.example"}},
				},
			},
			text("Plants\n\nRose\n1. Buy\n\nFern\n2. Buy\n\nOak: https://a.example"),
		},
		"location": {
			answer.Reply{Kind: answer.KindLocation, Location: &answer.Location{
				Latitude:  4.5,
				Longitude: -74.25,
				Name:      "Shop",
			}},
			text("Shop\nhttps://maps.google.com/?q=4.5,-74.25"),
		},
		"contacts": {
			answer.Reply{Kind: answer.KindContacts, Contacts: []json.RawMessage{
				json.RawMessage(`{"name":{"formatted_name":"Ana"},"phones":[{"phone":"+573001234567"}],"emails":[{"email":"ana@mail.example"}]}`),
				json.RawMessage(`{"name":{"first_name":"Luis","last_name":"Ruiz"}}`),
			}},
			text("Ana\n+573001234567\nana@mail.example\n\nLuis Ruiz"),
		},
		"request": {answer.Reply{Kind: answer.KindLocationRequest, Text: "Where?"}, text("Where?")},
		"product": {product, []answer.Reply{product}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, forGroup([]answer.Reply{tc.reply})); diff != "" {
				t.Errorf("forGroup() (-want +got):\n%s", diff)
			}
		})
	}
}
