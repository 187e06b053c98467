// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestDiscardOfACause discards the events of the row without a number. Those of the same code with a number stay.
func TestDiscardOfACause(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	notice := h.quarantined(store.KindNotice, "")
	report := h.quarantined(store.KindStatusReport, number)

	page := h.page("/console/r/this/receiver/dead-letters?state=quarantined", nil)

	_, row, found := strings.Cut(page, "<td>no number</td>")
	if !found {
		t.Fatalf("the page has no row without a number:\n%s", page)
	}

	question := h.submit(row, "/discard")

	if !strings.Contains(question, "Discard this event?") {
		t.Errorf("the answer does not ask before it discards one event:\n%s", question)
	}

	h.submit(strings.Replace(question, `<button class="danger" name="confirm" value="yes">`, `<input type="hidden" name="confirm" value="yes">`, 1), "/discard")
	h.waitFor("the notice to be discarded", func() bool { return h.stateOf(notice) == store.Discarded })

	if got := h.stateOf(report); got != store.Quarantined {
		t.Errorf("the event of another row is %s, want it quarantined as before", got)
	}
}

// quarantined stores an event that is not processed, and has no code.
func (h *harness) quarantined(kind store.Kind, number string) store.ID {
	h.t.Helper()

	event := store.Event{
		ID:            store.NewID(kind, number),
		Kind:          kind,
		State:         store.Quarantined,
		PhoneNumberID: number,
		Payload:       []byte("{}"),
		ReceivedAt:    h.clock.Now(),
	}

	if _, err := h.Local.Store().Ingest(h.t.Context(), []store.Event{event}); err != nil {
		h.t.Fatal(err)
	}

	return event.ID
}

func (h *harness) stateOf(id store.ID) store.State {
	h.t.Helper()

	record, err := h.Local.Store().Get(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}

	return record.Event.State
}

// submit sends the first form of a page whose path has the ending, and returns the page that follows.
func (h *harness) submit(page, ending string) string {
	h.t.Helper()

	form := regexp.MustCompile(`<form method="post" action="([^"]*` + ending + `)"(?s:.*?)</form>`).FindStringSubmatch(page)
	if form == nil {
		h.t.Fatalf("there is no form for %s:\n%s", ending, page)
	}

	fields := url.Values{}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(form[0], -1) {
		fields.Add(field[1], html.UnescapeString(field[2]))
	}

	return h.page(form[1], fields)
}

// page returns a page of the console, or the one that follows a form.
func (h *harness) page(path string, form url.Values) string {
	h.t.Helper()

	status, page := h.consolePage(path, form)
	if status != http.StatusOK {
		h.t.Fatalf("%s = %d:\n%s", path, status, page)
	}

	return page
}
