// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consolepage

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// TestReceiverAway checks that a page says that nothing answers, keeps what it shows, and goes on by itself.
func TestReceiverAway(t *testing.T) {
	for _, tc := range []struct {
		name    string
		hangs   bool // until the browser gives up
		warning string
	}{
		{"the connection ends", false, "The console cannot be reached."},
		{"no answer", true, "There is no answer yet"},
	} {
		t.Run(tc.name, func(t *testing.T) { refreshesAfter(t, tc.hangs, tc.warning) })
	}
}

// pages returns a handler that passes requests on to the console.
func (r *receiver) pages() http.Handler {
	return &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: r.Local.ConsoleAddr()})
		p.Out.Host = p.In.Host
	}}
}

func refreshesAfter(t *testing.T, hangs bool, warning string) {
	t.Helper()

	r := startReceiver(t)
	isAway := new(atomic.Bool)
	pages := r.pages()

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAway.Load() {
			if hangs {
				<-r.Context().Done()
			}

			panic(http.ErrAbortHandler)
		}

		pages.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)

	w := &walk{Page: browser.Open(t, server.URL+home+"/events", browser.Options{}), t: t}
	w.Allow("ERR_EMPTY_RESPONSE")
	w.Shows("message")

	before := browser.Eval[int](w.Page, `document.querySelectorAll("tbody tr").length`)
	browser.Eval[bool](w.Page, "(document.isTheFirst = true)")
	isAway.Store(true)
	w.Shows(warning)
	w.rows(before)

	isAway.Store(false)
	r.deliver(ana, "Are you back?")
	w.Until("the new event appears", fmt.Sprintf(`document.querySelectorAll("tbody tr").length > %d`, before))
	w.Until("the warning is gone", `!document.querySelector("#stale").checkVisibility()`)

	if !browser.Eval[bool](w.Page, "document.isTheFirst") {
		t.Error("the page was loaded anew")
	}
}
