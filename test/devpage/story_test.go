// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package devpage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// bakery are the answers of a bakery's AI.
var bakery = map[string]any{
	"Hi! Are you open on Sundays?": "Good morning, Ana! On Sundays we open **from 8 to 14**:\n\n- bread from the oven\n- " +
		"coffee and _almond cake_\n\n> Order by Saturday, and it is ready when you come.",
	"How much is this one?": map[string]any{
		"type":    "buttons",
		"text":    "That is our chocolate cake, 48,000 COP. Shall I keep one for you?",
		"footer":  "Contains nuts",
		"buttons": []map[string]any{{"id": "keep", "title": "Yes, please"}, {"id": "other", "title": "Show me others"}},
	},
	"Yes, please": map[string]any{
		"type":        "list",
		"text":        "With pleasure. When will you pick it up?",
		"button_text": "Choose a time",
		"sections": []map[string]any{
			{"title": "Saturday", "rows": []map[string]any{
				{"id": "sat-10", "title": "10:00", "description": "Calle 72"},
				{"id": "sat-16", "title": "16:00", "description": "Calle 72"},
			}},
			{"title": "Sunday", "rows": []map[string]any{
				{"id": "sun-9", "title": "9:00", "description": "Only in the old town"},
				{"id": "sun-12", "title": "12:00", "description": "Only in the old town"},
			}},
		},
	},
	"9:00":                     "Sunday at nine it is. Your cake is in the oven. 🎂",
	"Can I pay with a card?":   "Yes, with every card, and in cash.",
	"And do you deliver, too?": "We do, within the city.",
}

// TestStory buys a cake, and takes the pictures of README and docs.
func TestStory(t *testing.T) {
	p := open(t, bakery, browser.Options{Width: 1280, Height: 940})
	path := filepath.Join(t.TempDir(), "cake.png")

	if err := os.WriteFile(path, picture(t), 0o600); err != nil {
		t.Fatal(err)
	}

	p.ask("Hi! Are you open on Sundays?", "Good morning, Ana!")
	p.act(theirs, "React with ❤️")
	p.Choose(func() { p.attach("Photo") }, path)
	p.ask("How much is this one?", "Contains nuts")
	p.settled()
	p.Picture("dev")

	p.tap(".taps button", "Yes, please")
	p.newest(theirs, "When will you pick it up?")
	p.settled()
	p.tap(".taps button", "Choose a time")
	p.Click(`dialog [data-option="sun-9"]`)
	p.newest(theirs, "Sunday at nine it is.")
	p.settled()

	p.fault("ai-down", true)
	p.say("Can I pay with a card?")
	p.Until("the AI was asked twice", `document.querySelectorAll('.event:nth-child(1 of .event[data-event]) .step[data-kind="question"]').length >= 2`)
	p.Dark(true)
	p.Picture("dev-fault")

	p.fault("ai-down", false)
	p.newest(theirs, "Yes, with every card")
	p.settled()
	p.Dark(false)
	p.Click(`.event:nth-child(1 of .event[data-event]) .step[data-kind="send"] summary`)
	p.Until("the bodies are shown", `(document.querySelector(".step:has(.body)")?.scrollIntoView(), document.querySelector(".body"))`)
	p.Picture("dev-trace")

	p.tap(".taps button", "Choose a time")
	p.UntilShown("dialog")
	p.Resize(390, 844)
	p.Picture("dev-phone")
}

// settled waits until the person has read the newest message of the business.
func (p *phone) settled() {
	p.t.Helper()
	p.Until("it is read", newest(theirs)+`.dataset.status === "read"`)
}
