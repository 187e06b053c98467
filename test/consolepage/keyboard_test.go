// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consolepage

import (
	"strconv"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// TestKeyboard looks at each page and does each kind of act with the keyboard alone.
func TestKeyboard(t *testing.T) {
	w := startReceiver(t).open(browser.Options{})
	w.Shows("All resources")

	w.Press(kb.Tab + kb.Enter)
	w.Until("the first link skips to the content", `document.activeElement === document.querySelector("main") || location.hash === "#content"`)

	w.choose("this/receiver", "The last hour")
	w.choose("Conversations", "…4567")
	w.choose("…4567", "Conversation with …4567")
	w.choose("Take it over", "People have the conversation now.")
	w.Until("the notice has the focus", `document.activeElement.matches(".notice[role=status]")`)
	w.reach("the text", `document.activeElement.id === "text"`)
	w.Write("By keyboard")
	w.choose("Send", "The message is on its way.")
	w.choose("Show personal data", "By keyboard")
	w.choose("Give it back to the AI", "The AI has the conversation again.")

	w.choose("Events", "No filter")
	w.reach("the states", `document.activeElement.name === "state"`)
	w.Press(kb.End) // the last state: discarded
	w.choose("Filter", "No event matches.")

	w.choose("Not answered", "Replay these 1")
	w.choose("newest event", "What happened")
	w.choose("Discard", "This cannot be taken back.")
	w.choose("No, go back", "What happened")
	w.choose("Not answered", "Replay these 1")
	w.choose("Replay these 1", "of 1 events")

	w.choose("Doctor", "Run the checks")
	w.choose("Run the checks", "failures")
	w.choose("Configuration", "secretsDir")
	w.choose("Español", "Configuración")
}

// choose presses Enter on what has a text.
func (w *walk) choose(text, next string) {
	w.t.Helper()
	w.reach(text, "document.activeElement.textContent.trim() === "+strconv.Quote(text))

	if outline := browser.Eval[string](w.Page, "getComputedStyle(document.activeElement).outlineStyle"); outline == "none" {
		w.t.Errorf("the focus on %s is not visible", text)
	}

	w.Press(kb.Enter)
	w.Shows(next)
}

// reach moves the focus by the tabulator until a condition is true.
func (w *walk) reach(what, condition string) {
	w.t.Helper()

	for range 100 {
		w.Press(kb.Tab)

		if browser.Eval[bool](w.Page, condition) {
			return
		}
	}

	w.t.Fatalf("the tabulator does not reach %s", what)
}
