// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestPagesAreAudited does each act on the pages of the console, and asks each page for personal data: each is a line of the
// audit log, which has the name in the header of the request, and names no person.
func TestPagesAreAudited(t *testing.T) {
	h := newHarness(t, withoutTyping)
	log := &logBuffer{}
	h.log = log

	h.Bird.Faults.Add(standin.Fault{Status: http.StatusUnprocessableEntity, Times: 1})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitIdle()

	var page consoleapi.EventPage
	h.console(http.StatusOK, http.MethodGet, "/v1/events?kind=message", &page)

	const home = "/console/r/this/receiver"

	event := home + "/events/" + page.Events[0].ID
	conversation := home + "/conversations/" + page.Events[0].Conversation
	yes := url.Values{"confirm": {"yes"}}

	for _, c := range []struct {
		path string
		form url.Values // nil to look
		act  string     // empty if there is no line
	}{
		{path: home + "/conversations"},
		{path: conversation},
		{path: event},
		{path: home + "/dead-letters"},
		{path: home + "/configuration"},
		{path: home + "/conversations?reveal=true", act: "reveal"},
		{path: conversation + "?reveal=true", act: "reveal"},
		{path: home + "/events?reveal=true", act: "reveal"},
		{path: event + "?reveal=true", act: "reveal"},
		{path: conversation + "/export", act: "export"},
		{path: conversation + "/take-over", form: yes, act: `"take over"`},
		{path: conversation + "/send", form: url.Values{"text": {"Hello"}, "key": {"k1"}}, act: "send"},
		{path: conversation + "/give-back", form: yes, act: `"give back"`},
		{path: event + "/discard", form: url.Values{}}, // asks first
		{path: event + "/discard", form: yes, act: "discard"},
		{path: event + "/replay", form: yes, act: "replay"}, // refused, and audited too
		{path: home + "/dead-letters/replay", form: url.Values{"state": {"dead"}}, act: "replay"},
		{path: home + "/dead-letters/discard", form: yes, act: "discard"},
		{path: home + "/jobs/none/cancel", form: yes, act: `"cancel job"`},
		{path: home + "/doctor", form: yes, act: "check"},
		{path: conversation + "/erase", form: yes, act: "erase"},
	} {
		before := len(log.String())

		h.openPage(c.path, c.form)

		if c.act != "" {
			// The line follows the answer.
			h.waitFor(c.path+" is audited as "+c.act, func() bool {
				return slices.ContainsFunc(auditedActs(log.String()[before:]), func(line string) bool {
					return strings.Contains(line, " act="+c.act+" ")
				})
			})
		} else if acts := auditedActs(log.String()[before:]); len(acts) > 0 {
			t.Errorf("%s: the audit log has %q, want no line", c.path, acts)
		}
	}

	for _, line := range auditedActs(log.String()) {
		if !strings.HasPrefix(line, "actor="+actor+" ") {
			t.Errorf("the line %q does not name %s", line, actor)
		}
	}

	if strings.Contains(log.String(), ana) {
		t.Error("the log names the person")
	}
}

// actor is who opens the pages.
const actor = "maria"

// auditedActs returns the lines of the audit log, from their actor on.
func auditedActs(log string) []string {
	var acts []string

	for line := range strings.Lines(log) {
		if strings.Contains(line, "event=audit") {
			acts = append(acts, line[max(strings.Index(line, "actor="), 0):])
		}
	}

	return acts
}

// openPage opens a page of the console, or sends a form to it.
func (h *harness) openPage(path string, form url.Values) {
	h.t.Helper()

	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}

	request, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.Local.ConsoleAddr()+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}

	request.Header.Set(consoleapi.ActorHeader, actor) // as the tool does

	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}

	response, err := h.client.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}

	_ = response.Body.Close()
}
