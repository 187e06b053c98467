// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package devpage

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// TestTrace filters the trace, pauses it, and opens and closes an event.
func TestTrace(t *testing.T) {
	p := open(t, map[string]any{"Bread?": "At eight", "Cake?": "At ten"}, browser.Options{})

	p.ask("Bread?", "At eight")
	p.ask("Cake?", "At ten")
	p.Until("both are read", `document.querySelectorAll('.message.theirs[data-status="read"]').length === 2`)

	shown := func(what, titles string) {
		t.Helper()
		p.Until(what, `[...document.querySelectorAll(".event .what")].filter((e) => e.checkVisibility()).map((e) => e.textContent).join() === "`+titles+`"`)
	}

	shown("the newest is first", "Cake?,Bread?")
	p.Click(`#trace-tools input`)
	p.Write("at eight")
	shown("only the event with the answer", "Bread?")
	p.Until("only its steps with the answer", `![...document.querySelectorAll('.step[data-kind="event"]')].some((e) => e.checkVisibility())`)
	p.Press(kb.Escape) // empties a field to search in
	shown("all again", "Cake?,Bread?")

	p.Click(`#trace-tools button`)
	p.ask("Wine?", "Wine?")
	p.Until("it counts what waits", `/Resume \(\d+ new\)/.test(document.querySelector("#trace-tools button").textContent)`)
	shown("nothing new", "Cake?,Bread?")
	p.Click(`#trace-tools button`)
	shown("what was missed", "Wine?,Cake?,Bread?")

	p.Click(".event-head")
	p.Until("its steps are closed", `!document.querySelector(".event .steps").checkVisibility()`)
	p.Click(".event-head")
	p.UntilShown(".event .steps")
}

// TestPersons adds a person, who has a conversation of her own.
func TestPersons(t *testing.T) {
	p := open(t, nil, browser.Options{})

	p.ask("From Ana", "From Ana")
	p.Until("a person is added", `(() => {
		const select = document.querySelector("#person select");
		select.value = "";
		select.dispatchEvent(new Event("change"));
		return document.querySelector("dialog");
	})()`)
	p.Write("Luz")
	p.Press(kb.Enter)
	p.Until("her conversation is empty", `document.querySelector(".messages .empty") && document.querySelector("#person select").selectedOptions[0].text === "Luz"`)
	p.ask("From Luz", "From Luz")

	p.Until("Ana is chosen", `(() => {
		const select = document.querySelector("#person select");
		select.value = "p1";
		select.dispatchEvent(new Event("change"));
		return true;
	})()`)
	p.newest(theirs, "From Ana")
	p.Until("only hers are shown", `document.querySelectorAll(".message").length === 2`)
}

// TestKinds shows the kinds of messages that the echo of dev sends, none of which is empty.
func TestKinds(t *testing.T) {
	p := open(t, map[string]any{
		"Template": map[string]any{"type": "template", "name": "cake_ready", "language": "en"},
		"Contact": map[string]any{
			"type":     "contacts",
			"contacts": []map[string]any{{"name": map[string]string{"formatted_name": "The bakery"}, "phones": []map[string]string{{"phone": "+57 300 1230000"}}}},
		},
		"Product":  map[string]any{"type": "product", "text": "Our best one", "catalog_id": "1", "product_retailer_id": "sku-1"},
		"Reaction": map[string]string{"type": "reaction", "emoji": "🎂"},
		"Place":    map[string]any{"type": "location", "latitude": 4.6, "longitude": -74.1, "name": "The bakery"},
	}, browser.Options{})

	for text, want := range map[string]string{
		"Template": "Template cake_ready, en",
		"Contact":  "+57 300 1230000",
		"Product":  "sku-1",
		"Place":    "4.6,-74.1",
	} {
		p.ask(text, want)
	}

	p.say("Reaction")
	p.Until("the reaction of the business is shown", newest(mine)+`.querySelector(".reactions")?.textContent === "🎂"`)
}
