// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// samples are the answers of the echo by the word that asks for them, so that each kind of message can be seen without an
// AI.
var samples = map[string]any{
	"help": "Write one of: buttons, list, link, form, location, contact, product, carousel, photo, template, format, reaction, later please, " +
		"person please. I repeat everything else.",
	"buttons": map[string]any{
		"type":    "buttons",
		"text":    "Which size would you like?",
		"footer":  "You can change it later",
		"buttons": []map[string]string{{"id": "small", "title": "Small"}, {"id": "large", "title": "Large"}},
	},
	"list": map[string]any{
		"type":        "list",
		"text":        "When shall we deliver?",
		"button_text": "Choose a time",
		"sections": []map[string]any{{
			"title": "Today",
			"rows": []map[string]string{
				{"id": "noon", "title": "Noon", "description": "From 12 to 14"},
				{"id": "evening", "title": "Evening", "description": "From 18 to 20"},
			},
		}},
	},
	"link": map[string]any{
		"type":        "cta_url",
		"text":        "All our cakes are on the web.",
		"button_text": "Open the shop",
		"url":         "https://example.com/shop",
	},
	"form": map[string]any{
		"type":        "flow",
		"text":        "Book a table",
		"button_text": "Book",
		"flow_id":     "1234567890",
	},
	"location": []any{
		map[string]any{
			"type":      "location",
			"latitude":  4.6533,
			"longitude": -74.0836,
			"name":      "The bakery",
			"address":   "Calle 72, Bogotá",
		},
		map[string]string{"type": "location_request", "text": "Where are you?"},
	},
	"contact": map[string]any{
		"type": "contacts",
		"contacts": []map[string]any{{
			"name":   map[string]string{"formatted_name": "The bakery", "first_name": "Bakery"},
			"phones": []map[string]string{{"phone": "+57 300 1230000"}},
		}},
	},
	"product": map[string]any{
		"type":                "product",
		"text":                "Our best one",
		"catalog_id":          catalogID,
		"product_retailer_id": "sku-1",
	},
	"photo": map[string]string{
		"type":    "image",
		"url":     "https://example.com/cake.png",
		"caption": "A cake",
	},
	"carousel": map[string]any{
		"type": "carousel",
		"text": "Our cakes",
		"cards": []map[string]any{
			sampleCard("apple", "Apple"),
			sampleCard("plum", "Plum"),
		},
	},
	"template": map[string]any{
		"type":     "template",
		"name":     "order_ready",
		"language": "en",
		"components": []map[string]any{
			{"type": "body", "parameters": []map[string]string{{"type": "text", "text": "Ana"}}},
			{
				"type":       "button",
				"sub_type":   "quick_reply",
				"index":      "0",
				"parameters": []map[string]string{{"type": "payload", "payload": "on-my-way"}},
			},
		},
	},
	"format":   "**bold**, *italic*, ~~strike~~, `code`\n\n- a list\n- of two\n\n> and a quote",
	"reaction": map[string]string{"type": "reaction", "emoji": "👍"},
}

// Reply is the AI of --echo: it repeats what the person says, and answers some words with a sample of a kind of message.
func Reply(method string, request map[string]any) any {
	text, _ := request["text"].(string)
	if sample, ok := samples[strings.ToLower(strings.TrimSpace(text))]; ok && method == "process_text_message" {
		return map[string]any{"response": sample}
	}

	return standin.EchoReply(method, request)
}

func sampleCard(id, text string) map[string]any {
	return map[string]any{
		"header":  map[string]string{"type": "image", "url": "https://example.com/" + id + ".png"},
		"text":    text,
		"buttons": []map[string]string{{"id": id, "title": "This one"}},
	}
}
