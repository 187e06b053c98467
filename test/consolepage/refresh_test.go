// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consolepage

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// refreshOften lets the page refresh itself ten times a second, until it has.
const refreshOften = `document.querySelectorAll("[data-refresh]").forEach((part) => { part.dataset.refresh = "0.1"; }), true`

const rows = `document.querySelectorAll("tbody tr").length`

// TestRefresh checks that new events appear without a reload, while the focus stays on its link, and not while a person
// selects text or has stopped the refreshes.
func TestRefresh(t *testing.T) {
	r := startReceiver(t)
	w := r.open(browser.Options{})
	w.Shows("All resources")
	w.Visit(home + "/events")

	browser.Eval[bool](w.Page, `(window.chosen = document.querySelector("tbody a"), chosen.focus(), true)`)

	before := browser.Eval[int](w.Page, rows)
	grows := func() string { return fmt.Sprintf("%s > %d", rows, before) }

	r.deliver(ana, "Another one")
	w.Until("the new event appears", grows())
	w.Until("the focus stays", "document.activeElement === chosen && chosen.isConnected")

	before = browser.Eval[int](w.Page, rows)

	browser.Eval[bool](w.Page, `(document.getSelection().selectAllChildren(document.querySelector("h1")), `+refreshOften+`)`)
	w.UntilShown("#reading")
	r.deliver(ana, "One while a person reads")

	if browser.Eval[bool](w.Page, grows()) {
		t.Error("the page changed while a person read")
	}

	browser.Eval[bool](w.Page, "(document.getSelection().empty(), true)")
	w.Until("the page goes on", grows())
	w.Until("it does not wait", `document.querySelector("#reading").hidden`)

	w.Click("#pause")
	w.Shows("Resume refreshing")
	r.deliver(ana, "One while it is stopped")

	before = browser.Eval[int](w.Page, rows)

	w.Click("#pause")
	w.Until("the page goes on", grows())
}

// TestRefreshOfDeadLetters checks that a new cause appears.
func TestRefreshOfDeadLetters(t *testing.T) {
	r := startReceiver(t)
	w := r.open(browser.Options{})
	w.Shows("All resources")
	w.Visit(home + "/dead-letters")
	w.Shows("1 events, by cause")

	r.fail(berta, "Another that fails")
	w.Shows("2 events, by cause")
	w.Shows("Replay these 2")
}

// TestRefreshAnnouncesMessages checks that a conversation is a live region that gets only its new messages.
func TestRefreshAnnouncesMessages(t *testing.T) {
	r := startReceiver(t)
	w := r.open(browser.Options{})
	w.Shows("All resources")
	w.Follow("this/receiver", "The last hour")
	w.Follow("Conversations", "…4567")
	w.Follow("…4567", "Conversation with …4567")

	w.Until("it announces additions", `document.querySelector(".chat").matches("[aria-live=polite][aria-relevant=additions]")`)
	browser.Eval[bool](w.Page, `(window.added = [], new MutationObserver((changes) => {
		for (const {addedNodes} of changes) {
			added.push(...[...addedNodes].filter((node) => node.matches?.(".bubble")).map((node) => node.className));
		}
	}).observe(document.querySelector(".chat"), {childList: true}), true)`)

	r.deliver(ana, "Hello?")
	w.Until("both new messages were added", "added.length >= 2")

	if added := browser.Eval[[]string](w.Page, "added"); len(added) != 2 || added[0] != "bubble person" {
		t.Errorf("added were %q, want a message and its answer", added)
	}
}

// holdRefresh marks the following refreshes, and counts those whose page has arrived.
const holdRefresh = `window.arrived = 0, window.unmarked = window.fetch, window.fetch = async (page, options) => {
	const response = await unmarked(page, {...options, headers: {...options.headers, "X-Held": "yes"}});
	const text = await response.text();
	setTimeout(() => { arrived++; });
	return new Response(text, {status: response.status});
}, true`

// TestStopDuringARefresh stops the refreshing while the page is loaded again. What then arrives is not shown.
func TestStopDuringARefresh(t *testing.T) {
	r := startReceiver(t)
	pages := r.pages()
	loading, arrive := make(chan struct{}), make(chan struct{})

	var isHeld atomic.Bool

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("X-Held") != "" && !isHeld.Swap(true) {
			close(loading)

			select {
			case <-arrive:
			case <-t.Context().Done(): // the test failed
			}
		}

		pages.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)

	w := browser.Open(t, server.URL+home+"/events", browser.Options{})
	w.Shows("message")

	before := browser.Eval[int](w, rows)

	browser.Eval[bool](w, holdRefresh)
	<-loading
	w.Click("#pause")
	w.Shows("Resume refreshing")
	r.deliver(ana, "One while it is stopped")
	close(arrive)
	w.Until("the page has arrived", "arrived === 1")

	if after := browser.Eval[int](w, rows); after != before {
		t.Errorf("the page shows %d events, want the %d from before the stop", after, before)
	}

	w.Click("#pause")
	w.Until("the page goes on", fmt.Sprintf("%s > %d", rows, before))
}
