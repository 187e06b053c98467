// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consolepage

import (
	"fmt"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// TestRefusedMessage sends a text that the receiver refuses: the page keeps it, shows what the person writes from then on, and
// leads to the conversation.
func TestRefusedMessage(t *testing.T) {
	const blank = " "

	r := startReceiver(t)
	w := r.open(browser.Options{})
	w.Allow("400")
	w.Visit(home + "/conversations")
	w.Follow("…4567", "Conversation with …4567")
	w.Click("#text")
	w.Write(blank)
	w.Follow("Send", "Not done:")
	w.Until("the text is kept", `document.querySelector("#text").value === " "`)

	before := browser.Eval[int](w.Page, `document.querySelectorAll(".bubble.person").length`)

	browser.Eval[bool](w.Page, "(document.isTheFirst = true)")
	r.deliver(ana, "Hello?")
	w.Until("the new message appears", fmt.Sprintf(`document.querySelectorAll(".bubble.person").length > %d`, before))
	w.Until("nothing warns", `!document.querySelector("#stale").checkVisibility()`)

	if !browser.Eval[bool](w.Page, `document.isTheFirst && document.querySelector("#text").value === " "`) {
		t.Error("the page was loaded anew, without the text")
	}

	w.Follow("Show personal data", "Hello?")
}
