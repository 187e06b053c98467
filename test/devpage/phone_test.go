// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package devpage tests the page of the command dev with a real browser against the real server.
package devpage

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/dev"
	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// phone is the page with its own server and bridge.
type phone struct {
	*browser.Page

	t      *testing.T
	bridge *bridge
	server *dev.Server
}

func open(t *testing.T, answers map[string]any, o browser.Options) *phone {
	t.Helper()

	b := newBridge(t, answers)
	server := serve(t, dev.AIOptions{Kind: dev.KindBridge, URL: b.url})

	address, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}

	o.Hosts = append(o.Hosts, address.Host)
	p := &phone{
		Page:   browser.Open(t, server.URL(), o),
		t:      t,
		bridge: b,
		server: server,
	}
	p.Until("loaded", `document.getElementById("business").textContent`)

	return p
}

// serve runs a server until the test ends.
func serve(t *testing.T, o dev.AIOptions) *dev.Server {
	t.Helper()

	server, err := dev.Open(t.Context(), dev.Options{AI: o, Version: "v0.0.0"})
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)

	go func() { ended <- server.Run(ctx) }()

	t.Cleanup(func() {
		cancel()

		if err := <-ended; err != nil {
			t.Error(err)
		}

		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})

	return server
}

const composer = "#composer textarea"

// say sends a text.
func (p *phone) say(text string) {
	p.t.Helper()
	p.Click(composer)
	p.Write(text)
	p.Press(kb.Enter)
	p.Until("the composer is empty", `document.querySelector("#composer textarea").value === ""`)
}

// newest waits until the newest message of a side has a text.
func (p *phone) newest(side, text string) {
	p.t.Helper()
	p.Until("the newest message has "+text, newest(side)+fmt.Sprintf(`?.innerText.includes(%q)`, text))
}

const (
	mine   = "mine"
	theirs = "theirs"
)

// newest is the expression of a side's newest message.
func newest(side string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".message.%s")].at(-1)`, side)
}

// ask sends a text and waits for an answer.
func (p *phone) ask(text, answer string) {
	p.t.Helper()
	p.say(text)
	p.newest(mine, text)
	p.newest(theirs, answer)
}

// attach chooses an item of the menu of attachments.
func (p *phone) attach(label string) {
	p.t.Helper()
	p.Click(`#composer button[aria-haspopup="menu"]`)
	p.item(label)
}

// item clicks on the item of the open menu.
func (p *phone) item(label string) {
	p.t.Helper()
	p.mark(`[role="menuitem"]`, label)
	p.Click(`[data-marked]`)
}

// act chooses an action of the newest message of a side.
func (p *phone) act(side, action string) {
	p.t.Helper()
	p.Until("its status is settled", newest(side)+`.dataset.status === "read"`)
	p.Click(fmt.Sprintf(`.message:nth-last-child(1 of .%s) .menu-button`, side))
	p.item(action)
}

// tap clicks on the newest element with a text.
func (p *phone) tap(selector, text string) {
	p.t.Helper()
	p.mark(selector, text)
	p.Click(`[data-marked]`)
}

// mark marks the newest element of a selector that has a text or a label.
func (p *phone) mark(selector, text string) {
	p.t.Helper()
	p.Until("there is "+text, fmt.Sprintf(`(() => {
		document.querySelector("[data-marked]")?.removeAttribute("data-marked");
		const element = [...document.querySelectorAll(%q)].findLast((e) =>
			e.textContent.includes(%[2]q) || e.getAttribute("aria-label") === %[2]q);
		element?.setAttribute("data-marked", "");
		return element;
	})()`, selector, text))
}

// fault switches a fault, and waits until the page shows it.
func (p *phone) fault(name string, on bool) {
	p.t.Helper()
	p.Click(fmt.Sprintf(`[data-fault=%q]`, name))
	p.Until("the fault "+name+" is switched",
		fmt.Sprintf(`document.querySelector('[data-fault=%q][aria-checked="%t"]')`, name, on))
}
