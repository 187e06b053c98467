// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package devpage

import (
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/dev"
	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// TestFault switches the AI off: the message waits, and the trace says so. It is answered when the AI is back.
func TestFault(t *testing.T) {
	p := open(t, nil, browser.Options{})

	p.Hover(`[data-fault="ai-down"]`)
	p.Until("the line says what it does", `document.querySelector(".about-fault").textContent.includes("503")`)

	p.fault("ai-down", true)
	p.say("Anyone there?")
	p.Until("it waits", `document.querySelector(".event .state.waiting")`)
	p.UntilShown(`.step[data-kind="question"] .code.bad`)
	p.Until("no answer", `!`+newest(theirs))

	p.fault("ai-down", false)
	p.newest(theirs, "Anyone there?")
	p.Until("it is answered", `document.querySelector(".event .state.good") && !document.querySelector(".event .state.waiting")`)
}

// TestSlow shows that the business types while the AI takes its time.
func TestSlow(t *testing.T) {
	p := open(t, nil, browser.Options{})

	p.fault("ai-slow", true)
	p.say("Take your time")
	p.UntilShown(".typing")
	p.Until("the header says so", `document.getElementById("presence").textContent === "typing…"`)

	p.fault("ai-slow", false)
	p.newest(theirs, "Take your time")
	p.Until("it types no more", `!document.querySelector(".typing")`)
}

// TestDayLater closes the 24-hour window: a message of the AI is refused, until the person writes again.
func TestDayLater(t *testing.T) {
	p := open(t, nil, browser.Options{})

	p.ask("Hello", "Hello")
	p.Click(`[data-fault="24-hours-later"]`)
	p.Until("the clock is ahead", `document.getElementById("clock").textContent.includes("24")`)
	p.Until("the refusal is shown", `document.querySelector('.step[data-level="error"], .step[data-level="warning"]')`)

	p.ask("Hello again", "Hello again")
	p.Until("there is another day", `document.querySelectorAll(".messages .day").length >= 2`) // three from midnight on
}

// TestPeople lets people take the conversation over: the page says who has it.
func TestPeople(t *testing.T) {
	p := open(t, nil, browser.Options{})

	p.ask("Hello", "Hello")
	p.Click(`[data-fault="people-take-over"]`)
	p.Until("the header says so", `document.getElementById("presence").textContent.startsWith("People answer")`)

	p.say("A person, please")
	p.Until("it is marked", newest(theirs)+`.querySelector(".badge")?.textContent === "From a colleague"`)

	p.Click(`[data-fault="people-take-over"]`)
	p.ask("Hello, AI", "process_text_message Hello, AI")
}

// TestUnreachable shows what to do while nothing answers at the URL of the AI.
func TestUnreachable(t *testing.T) {
	server := serve(t, dev.AIOptions{Kind: dev.KindBridge, URL: "http://127.0.0.1:9"})
	p := browser.Open(t, server.URL(), browser.Options{})

	p.Until("there is a warning", `document.querySelector("#warnings p")?.textContent.includes("start it")`)
}

// TestConnection cuts the page's connections: it says so, and then has what it missed, once.
func TestConnection(t *testing.T) {
	line := newLine(t)
	p := open(t, nil, browser.Options{Proxy: line.address()})
	p.Allow("net::ERR_")
	p.Allow("502")

	p.ask("Hello", "Hello")
	line.cut(true)
	p.Until("it says so", `document.getElementById("connection").textContent.includes("Connection lost")`)

	post(t, p.server.URL()+"/api/messages", `{"person":"p1","type":"text","text":"From elsewhere"}`)

	line.cut(false)
	p.newest(theirs, "From elsewhere")
	p.Until("each message is there once", `document.querySelectorAll(".message").length === 4`)
	p.Until("the note is gone", `document.getElementById("connection").textContent === ""`)
	p.Until("each step is there once", `(() => {
		const seqs = [...document.querySelectorAll(".step")].map((e) => e.dataset.seq);
		return new Set(seqs).size === seqs.length;
	})()`)
}

// TestReload loads the page again, and then empties it.
func TestReload(t *testing.T) {
	p := open(t, nil, browser.Options{})

	p.ask("Hello", "Hello")
	p.Reload()
	p.newest(theirs, "Hello")
	p.Until("the trace is there", `document.querySelector(".event .state.good")`)

	p.Click("#reset")
	p.Click("dialog .primary")
	p.Until("it is empty", `document.querySelector(".messages .empty") &&
		![...document.querySelectorAll(".event .what")].some((e) => e.textContent === "Hello")`)
	p.ask("Hello again", "Hello again")
}
