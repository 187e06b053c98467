// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
)

// The ports of the consoles: of a namespace, of all namespaces, and of a user who may not connect to pods.
const (
	namespaceConsole = 19092
	clusterConsole   = 19093
	lookerConsole    = 19094
)

// looker is a user who may read resources, and nothing else.
const looker = "looker"

// visitConsole walks through the console of several resources with a real browser while the receiver is killed, goes away
// and comes back.
func (s *suite) visitConsole(t *testing.T) {
	u := s.openTool(t)
	s.applyTo(t, "", "branches.yaml")
	s.applyBroken(t)
	s.applyTo(t, formerNamespace, "branch.yaml")
	s.deliverTo(t, "sales")

	_, dead, _ := u.produceEvents(t)

	page := u.openConsole(t, namespaceConsole, "")
	u.seeFleet(t, page)
	u.act(t, page, dead.ID)
	u.loseReceiver(t, page)
	u.seeAll(t)
	u.seeWithoutRights(t)

	s.kubectl(t, "delete", "waw/support", "--wait", "--timeout=5m")
	s.kubectl(t, "delete", "namespace", formerNamespace, nextNamespace, "--wait=false")
}

// openConsole starts the command console and opens it in a browser.
func (u *tool) openConsole(t *testing.T, port int, flags string) *browser.Page {
	t.Helper()

	var (
		console *running
		line    = fmt.Sprintf("kubectl whatsapp console --port %d %s", port, flags)
		address = fmt.Sprintf("http://127.0.0.1:%d", port)
	)

	u.eventually(t, func(context.Context) error {
		if console == nil {
			console = u.start(t, line)
		}

		select {
		case err := <-console.ended: // the API server may be slow
			text := console.text(t)
			console = nil

			return fmt.Errorf("the console ended with %w and says %q", err, text)
		default:
		}

		if text := console.text(t); !strings.Contains(text, address) {
			return fmt.Errorf("the console says %q", text)
		}

		return nil
	})
	t.Cleanup(func() { console.stop(t) }) // after the browser

	page := browser.Open(t, address+"/", browser.Options{})
	page.Allow("502 (Bad Gateway)") // the receiver is away for a time

	return page
}

// listed returns the names of the resources that a page lists, in its order.
func listed(page *browser.Page) string {
	page.Shows("All resources")

	return browser.Eval[string](page, `[...document.querySelectorAll("tbody th a")].map(e => e.textContent).join(" ")`)
}

// seeFleet checks that the resource in fault is first.
func (u *tool) seeFleet(t *testing.T, page *browser.Page) {
	if got, want := listed(page), "messaging/support messaging/sales"; got != want {
		t.Errorf("the console lists %s, want %s", got, want)
	}

	page.Shows("SecretMissing")
	page.Follow("messaging/support", "is missing")
	page.Visit("/console/")
	page.Follow("messaging/sales", "The last hour")
	logStep(t, "the console lists the resources of its namespace, and shows one")
}

// act takes a conversation over, answers as a person, gives it back, and replays a dead letter.
func (u *tool) act(t *testing.T, page *browser.Page, dead string) {
	page.Follow("Conversations", "…0001")
	page.Follow("…0001", "Conversation with …0001")
	page.Follow("Take it over", "People have the conversation now.")
	page.Click("#text")
	page.Write("A colleague here.")
	page.Follow("Send", "The message is on its way.")
	page.Until("the person got it",
		`[...document.querySelectorAll(".bubble.business .meta")].at(-1).textContent.includes("sent")`)
	page.Follow("Give it back to the AI", "The AI has the conversation again.")
	page.Follow("Show personal data", "A colleague here.")
	logStep(t, "a person took a conversation over, answered, and gave it back")

	page.Follow("Not answered", "131026")
	page.Follow("newest event", "What happened")

	if path := browser.Eval[string](page, "location.pathname"); !strings.HasSuffix(path, dead) {
		t.Errorf("the newest dead letter is %s, want %s", path, dead)
	}

	page.Follow("Replay", "The event is processed again.")
	page.Until("it is answered", `document.querySelector("main .badge").textContent === "done"`)
	page.Follow("Not answered", "Nothing here.")
	page.Follow("Configuration", "secretsDir")
	page.Follow("Doctor", "Run the checks")
	page.Follow("Events", "message")
	logStep(t, "the dead letter was replayed and answered")

	if line := u.kubectl(t, "logs", "deployment/sales", "--tail=-1"); !strings.Contains(line, `"act":"take over"`) ||
		!strings.Contains(line, `"act":"replay"`) {
		t.Error("the audit log does not have the acts")
	}
}

// loseReceiver kills the receiver, and then takes it away, while a page is open.
func (u *tool) loseReceiver(t *testing.T, page *browser.Page) {
	const rows = `document.querySelectorAll("tbody tr").length`

	shown := browser.Eval[int](page, rows)
	browser.Eval[bool](page, "(document.isTheFirst = true)")

	appears := func(person string) {
		u.deliverText(t, standins.PhoneNumberID, person, "Are you there?")
		page.Until("a new event appears", fmt.Sprintf("%s > %d", rows, shown))
		page.Until("nothing warns", `document.querySelector("#stale").hidden`)

		if !browser.Eval[bool](page, "document.isTheFirst === true") {
			t.Error("the page was loaded anew")
		}

		shown = browser.Eval[int](page, rows)
	}

	u.kill(t, u.pod(t, "sales"))
	logStep(t, "kill -9 of the receiver")
	appears("573009990011")
	logStep(t, "it is back, and the page goes on")

	u.kubectl(t, "scale", "waw/sales", "--replicas=0")
	page.Until("the page says that the receiver is away", `!document.querySelector("#stale").hidden`)
	logStep(t, "without a receiver the page says: %s", browser.Eval[string](page, `document.querySelector("#stale").textContent`))

	if kept := browser.Eval[int](page, rows); kept != shown {
		t.Errorf("without a receiver the page has %d events, want the %d that it showed", kept, shown)
	}

	u.kubectl(t, "scale", "waw/sales", "--replicas=1")
	u.pod(t, "sales")
	appears("573009990012")
	logStep(t, "it is back, and the page goes on")
}

// seeAll checks the console of all namespaces.
func (u *tool) seeAll(t *testing.T) {
	page := u.openConsole(t, clusterConsole, "-A")

	list := listed(page)
	for _, name := range []string{"messaging/support", "messaging/sales", formerNamespace + "/branch"} {
		if !strings.Contains(list, name) {
			t.Errorf("the console of all namespaces lists %s, without %s", list, name)
		}
	}

	page.Follow("messaging/sales", "The last hour")
}

// seeWithoutRights checks that a user who may not connect to pods sees the resources, and learns which right is missing.
func (u *tool) seeWithoutRights(t *testing.T) {
	u.kubectl(t, "create", "role", looker, "--verb=get,list", "--resource=whatsappwebhooks.whatsapp.wawebhook.dev")
	u.kubectl(t, "create", "rolebinding", looker, "--role="+looker, "--user="+looker)

	page := u.openConsole(t, lookerConsole, "--as "+looker)
	page.Allow("403 (Forbidden)")

	if list := listed(page); !strings.Contains(list, "messaging/sales") {
		t.Errorf("the console lists %s", list)
	}

	page.Follow("messaging/sales", "the verb create on pods/portforward")

	if forms := browser.Eval[int](page, `document.querySelectorAll("main form").length`); forms != 0 {
		t.Errorf("the page offers %d acts", forms)
	}

	u.kubectl(t, "delete", "role,rolebinding", looker)
	logStep(t, "without the right to connect to pods, the console names it")
}
