// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consolepage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

const home = "/console/r/this/receiver"

// TestAccessible checks each page with axe-core in both languages, in light on a desk and in dark on a small phone, where it
// needs no horizontal scrolling either.
func TestAccessible(t *testing.T) {
	for _, language := range []string{"en", "es"} {
		t.Run(language, func(t *testing.T) {
			w := startReceiver(t).open(browser.Options{Language: language})
			w.eachPage(w.checkLooks)
		})
	}
}

// TestAxeFinds checks that axe-core runs on the pages: it finds a picture without a text.
func TestAxeFinds(t *testing.T) {
	w := startReceiver(t).open(browser.Options{})
	w.Shows("All resources")
	browser.Eval[bool](w.Page, `document.querySelector("h1").append(new Image()), true`)

	if found := w.AxeFindings(); len(found) != 1 || !strings.Contains(found[0], "image-alt") {
		t.Errorf("axe-core finds %q, want the picture", found)
	}
}

// eachPage calls check on each page, and at its end replays the dead letter.
func (w *walk) eachPage(check func()) {
	w.t.Helper()
	w.Allow("400 (Bad Request)")
	w.Allow("409 (Conflict)")

	visit := func(paths ...string) {
		for _, path := range paths {
			w.Visit(path)
			check()
		}
	}

	visit("/console/", home+"/", home+"/doctor", home+"/configuration", home+"/events/0000")
	visit(home+"/conversations?state=waiting", home+"/conversations?reveal=true", home+"/conversations")

	for _, path := range w.links("tbody a") {
		visit(path, path+"?reveal=true")
	}

	visit(home+"/events?state=expired", home+"/events")

	events := w.links("tbody th a")
	visit(events[0], events[0]+"?reveal=true")
	w.submit(".danger") // asks first
	check()
	visit(events[1] + "?reveal=true")
	browser.Eval[bool](w.Page, "document.querySelectorAll('details').forEach((details) => { details.open = true; }), true")
	check()

	w.Visit(home + "/doctor")
	w.submit("main button")
	check()
	visit(home+"/dead-letters?state=quarantined", home+"/dead-letters")
	w.submit("main form button")
	check()
}

// checkLooks checks the page in light on a desk, and in dark on a small phone.
func (w *walk) checkLooks() {
	w.t.Helper()
	w.Until("nothing changes", "(document.querySelector('#pause')?.click(), true)")

	for _, look := range []struct {
		width int
		dark  bool
	}{
		{1280, false},
		{360, true},
	} {
		w.Resize(look.width, 800)
		w.Until("it has the width", fmt.Sprintf("innerWidth === %d", look.width))
		w.fits()
		w.Dark(look.dark)
		w.CheckAccessible()
	}
}

// fits checks that the page needs no horizontal scrolling.
func (w *walk) fits() {
	w.t.Helper()

	if wide := browser.Eval[int](w.Page, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
		w.t.Errorf("the page %s is %d pixels too wide", browser.Eval[string](w.Page, "document.title"), wide)
	}
}
