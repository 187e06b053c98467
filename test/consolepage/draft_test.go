// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consolepage

import (
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// TestUnsentTextIsKept takes a conversation over, and looks at another page, with a text that is not sent yet. The text stays in the
// form until it is sent.
func TestUnsentTextIsKept(t *testing.T) {
	const text = "Half of an answer"

	r := startReceiver(t)
	w := r.open(browser.Options{})
	keeps := func(want string) {
		t.Helper()
		w.Until("the form has the text "+want, `document.querySelector("#text").value === "`+want+`"`)
	}

	w.Visit(home + "/conversations")
	w.Follow("…4567", "Conversation with …4567")
	w.Click("#text")
	w.Write(text)

	key := browser.Eval[string](w.Page, `document.querySelector("[name=key]").value`)

	w.Follow("Take it over", "People have the conversation now.")
	keeps(text)
	w.Follow("Show personal data", "Hide personal data")
	keeps(text)

	if again := browser.Eval[string](w.Page, `document.querySelector("[name=key]").value`); again != key {
		t.Errorf("the key of the text is %s, and was %s: a text that was sent could be sent twice", again, key)
	}

	w.Follow("Send", "The message is on its way.")
	keeps("")
	w.Follow("Give it back to the AI", "The AI has the conversation again.")
	keeps("")
}
