// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestConsoleIsOfOneResource opens pages and sends forms of another resource at the console of a receiver, as a browser does
// after a forwarded port has changed from one receiver to another. The receiver shows and changes nothing for them.
func TestConsoleIsOfOneResource(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)

		c.Resource = config.Resource{Namespace: "messaging", Name: "support"}
	})
	h.start()

	event := h.quarantined(store.KindStatusReport, number)

	if page := h.page("/console/", nil); !strings.Contains(page, `href="/console/r/messaging/support/"`) {
		t.Errorf("the list does not lead to the pages of the resource:\n%s", page)
	}

	page := h.page("/console/r/messaging/support/dead-letters?state=quarantined", nil)
	for _, text := range []string{"<title>support: Not answered</title>", "messaging/<strong>support</strong>"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q:\n%s", text, page)
		}
	}

	discard := url.Values{"state": {"quarantined"}, "confirm": {"yes"}}

	for _, other := range []string{"messaging/sales", "other/support", "this/receiver"} {
		for path, form := range map[string]url.Values{
			"/":                     nil,
			"/dead-letters":         nil,
			"/dead-letters/discard": discard,
		} {
			status, page := h.consolePage("/console/r/"+other+path, form)
			if status != http.StatusNotFound || !strings.Contains(page, "There is no such resource") {
				t.Errorf("%s%s is answered %d:\n%s", other, path, status, page)
			}
		}
	}

	if got := h.stateOf(event); got != store.Quarantined {
		t.Errorf("the event is %s after a discard of another resource", got)
	}

	status, page := h.consolePage("/console/r/messaging/sales/conversations/abc/send", url.Values{"text": {"My words"}, "key": {"k1"}})
	if status != http.StatusNotFound || !strings.Contains(page, ">My words</textarea>") {
		t.Errorf("a message of another resource is answered %d, and lost:\n%s", status, page)
	}
}

// consolePage returns the status and the text of a page of the console, or of the one that follows a form.
func (h *harness) consolePage(path string, form url.Values) (status int, page string) {
	h.t.Helper()

	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}

	request, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.Local.ConsoleAddr()+path, strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}

	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")

	response, err := h.client.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}

	return response.StatusCode, string(body)
}
