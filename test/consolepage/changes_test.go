// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consolepage

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// change delivers an edit or a deletion of a message.
func (r *receiver) change(person, id, kind string, content map[string]any) {
	r.t.Helper()
	r.send(standin.MessageDelivery(number, person, "Ana", standin.Wamid(id), kind, content, time.Now()))
}

// TestChangesOfMessages looks at messages that the person edited or deleted, on a phone and on a desk.
func TestChangesOfMessages(t *testing.T) {
	const wrong, second = "At nine", "See you"

	r := startReceiver(t)
	r.deliver(ana, wrong)
	r.change(ana, "edit", "edit", map[string]any{
		"original_message_id": standin.Wamid(ana + wrong),
		"message":             map[string]any{"type": "text", "text": map[string]any{"body": "At ten"}},
	})
	r.deliver(ana, second)
	r.change(ana, "revoke", "revoke", map[string]any{"original_message_id": standin.Wamid(ana + second)})

	w := r.open(browser.Options{Width: 360, Height: 740})
	w.Follow("this/receiver", "The last hour")
	w.Follow("Conversations", "…4567")
	w.Follow("…4567", "The person deleted this message.")
	w.Until("the page has three messages of the person", `document.querySelectorAll(".bubble.person").length === 3`)
	w.Until("no text is shown", `document.querySelectorAll(".bubble details").length === 0`)

	w.Follow("Show personal data", "At ten")

	w.Until("the earlier texts are closed", `[...document.querySelectorAll(".bubble details")].filter((d) => !d.open).length === 2`)
	w.checkLooks()

	w.reach("the earlier text", `document.activeElement.tagName === "SUMMARY"`)
	w.Press(kb.Enter)
	w.Shows(wrong)
	w.Click(".bubble.deleted summary")
	w.Shows(second)
	w.checkLooks()

	w.Follow("edited", "Event: message edit")
}

// TestTakeOverFromTheList takes a conversation over and gives it back on the list of conversations, by keyboard.
func TestTakeOverFromTheList(t *testing.T) {
	w := startReceiver(t).open(browser.Options{})
	w.Visit(home + "/conversations?state=all")

	w.choose("Take over", "Take over the conversation with")
	w.checkLooks()
	w.choose("No, go back", "Who has it")
	w.choose("Take over", "Take over the conversation with")
	w.choose("Yes, do it", "People have the conversation now.")
	w.Until("the list is shown", `location.pathname.endsWith("/conversations")`)

	w.choose("Give back", "back to the AI?")
	w.choose("Yes, do it", "The AI has the conversation again.")
}
