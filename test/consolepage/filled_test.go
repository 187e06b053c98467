// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consolepage

import (
	"strconv"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// fill stores statuses that are finished, after everything else.
func (r *receiver) fill(count int) {
	r.t.Helper()

	events := make([]store.Event, count)
	for i := range events {
		events[i] = store.Event{
			ID:            store.NewID(store.KindStatus, strconv.Itoa(i)),
			Kind:          store.KindStatus,
			Type:          "delivered",
			State:         store.Done,
			PhoneNumberID: number,
			ReceivedAt:    time.Now(),
		}
	}

	if _, err := r.Local.Store().Ingest(r.t.Context(), events); err != nil {
		r.t.Fatal(err)
	}
}

// TestWalkThroughManyEvents pages through more events than a search looks at. A search that finds nothing says how far it
// looked, and goes on.
func TestWalkThroughManyEvents(t *testing.T) {
	r := startReceiver(t)
	r.fill(store.SearchBudget + 1000)

	w := r.open(browser.Options{})
	w.Follow("this/receiver", "The last hour")
	w.Follow("Events", "delivered")
	w.rows(50)

	newest := browser.Eval[string](w.Page, `document.querySelector("tbody th a").pathname`)

	w.Follow("Search further", "delivered")
	w.rows(50)

	if second := browser.Eval[string](w.Page, `document.querySelector("tbody th a").pathname`); second == newest {
		t.Error("the second page begins with the newest event")
	}

	browser.Eval[bool](w.Page, `(document.querySelector("select[name=kind]").value = "message", true)`)
	w.Follow("Filter", "No event matches.")
	w.Shows("Searched back to")

	for browser.Eval[int](w.Page, `document.querySelectorAll("tbody tr").length`) == 0 {
		before := browser.Eval[string](w.Page, "location.search")

		w.Follow("Search further", "Searched back to")
		w.Until("the search goes on", "location.search !== "+strconv.Quote(before))
		w.Shows("Searched back to")
	}

	w.rows(3)
}

// rows waits until the table of the page has this many rows.
func (w *walk) rows(count int) {
	w.t.Helper()
	w.Until("the page has "+strconv.Itoa(count)+" rows", `document.querySelectorAll("tbody tr").length === `+strconv.Itoa(count))
}
