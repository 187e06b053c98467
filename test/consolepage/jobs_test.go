// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consolepage

import (
	"net/http"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestReplayedEvents replays two dead letters, one of which fails again, and looks at what became of them, on a phone.
func TestReplayedEvents(t *testing.T) {
	r := startReceiver(t)
	r.fail(berta, "This one fails too")
	r.Bird.Faults.Add(standin.Fault{Status: http.StatusUnprocessableEntity, Times: 1})

	w := r.open(browser.Options{Width: 360, Height: 740})
	w.Visit(home + "/dead-letters")
	w.Follow("Replay these 2", "What became of the replayed events")
	w.Until("one is done and one is dead again", `[...document.querySelectorAll("main dd")].map((d) => d.innerText).join() === "1,0,1"`)
	w.checkLooks()

	w.Click(`main dd a[href*="state=dead"]`)
	w.rows(1)
	w.Until("it is dead", `document.querySelector("tbody .badge").textContent === "dead"`)
	w.Until("the filter stays", `document.querySelector("input[name=job]") !== null`)
	w.checkLooks()
}
