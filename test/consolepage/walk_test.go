// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package consolepage walks through the pages of the console with a real Chromium and a real receiver.
package consolepage

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	number  = "106540352242922"
	ana     = "573001234567"
	berta   = "573007654321"
	carla   = "573005550000" // writes a long word, and HTML
	refused = "This one fails"
)

// receiver is a receiver in this process, whose people wrote: Ana was answered, and the message of Berta became a dead
// letter.
type receiver struct {
	*rig.Rig
	t *testing.T
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()

	r, err := rig.New(rig.Options{
		Graph: standin.GraphOptions{
			AccessTokens: []string{folder.AccessToken},
			AppSecret:    folder.AppSecret,
		},
		Config: config.Config{Processing: config.Processing{Poll: 10 * time.Millisecond}},
	})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})

	if err := r.Folder.Layout(r.Config, nil); err != nil {
		t.Fatal(err)
	}

	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}

	w := &receiver{Rig: r, t: t}
	w.deliver(ana, "Good morning! Are you open on Sundays?")
	w.deliver(carla, "Is it <b>open</b>? "+strings.Repeat("long", 60))
	w.fail(berta, refused)

	return w
}

// fail delivers a text that becomes a dead letter.
func (r *receiver) fail(person, text string) {
	r.t.Helper()
	r.Bird.Faults.Add(standin.Fault{Status: http.StatusUnprocessableEntity, Times: 1})
	r.deliver(person, text)
}

// deliver delivers a text, and waits until the receiver has nothing to do.
func (r *receiver) deliver(person, text string) {
	r.t.Helper()

	r.send(standin.TextDelivery(number, person, "Ana", standin.Wamid(person+text), text, time.Now()))
}

// send sends a delivery, and waits until the receiver has nothing to do.
func (r *receiver) send(body []byte) {
	r.t.Helper()

	status, _, err := standin.Deliver(r.t.Context(), &http.Client{Timeout: time.Minute}, r.Local.WebhookURL(), folder.AppSecret, body)
	if err != nil || status != http.StatusOK {
		r.t.Fatalf("deliver: %d, %v", status, err)
	}

	for deadline := time.Now().Add(time.Minute); ; {
		stats, err := r.Local.Store().Stats(r.t.Context(), time.Now())
		if err == nil && stats.Pending == 0 && !r.Local.Busy() {
			return
		}

		if time.Now().After(deadline) {
			r.t.Fatalf("the receiver is busy after a minute: %+v, %v", stats, err)
		}
	}
}

// walk is a person at the console.
type walk struct {
	*browser.Page
	t *testing.T
}

func (r *receiver) open(o browser.Options) *walk {
	return &walk{Page: browser.Open(r.t, "http://"+r.Local.ConsoleAddr()+"/", o), t: r.t}
}

// links returns the paths of the links that a selector matches.
func (w *walk) links(selector string) []string {
	w.t.Helper()

	return browser.Eval[[]string](w.Page, fmt.Sprintf(`[...document.querySelectorAll(%q)].map((link) => link.getAttribute("href"))`, selector))
}

// submit clicks on a button, and waits for the page that follows.
func (w *walk) submit(selector string) {
	w.t.Helper()
	browser.Eval[bool](w.Page, "window.isOld = true")
	w.Click(selector)
	w.Until("another page follows", "!window.isOld && document.readyState === 'complete'")
}

// TestWalk looks at each page and does each act.
func TestWalk(t *testing.T) {
	r := startReceiver(t)
	w := r.open(browser.Options{})
	w.Shows("All resources")
	w.Follow("this/receiver", "The last hour")
	w.Picture("console-overview")

	w.Follow("Conversations", "…4567")
	w.Follow("…4567", "Conversation with …4567")
	w.Follow("Show personal data", "Are you open on Sundays?")

	w.Follow("Take it over", "People have the conversation now.")
	w.Follow("Give it back to the AI", "The AI has the conversation again.")
	w.Click("#text")
	w.Write("A colleague here: yes, until two.")
	w.Follow("Send", "The message is on its way.")
	w.Until("the person got it", `document.querySelector(".bubble.business:last-child .meta").textContent.includes("sent")`)
	w.Follow("Show personal data", "A colleague here")
	w.Picture("console-conversation")

	w.Follow("Not answered", "Replay these 1")
	w.Follow("newest event", "What happened")
	w.Shows("http_422")
	w.Picture("console-event")
	w.Follow("Discard", "This cannot be taken back.")
	w.Follow("No, go back", "What happened")
	w.Follow("Replay", "The event is processed again.")
	w.Until("it is done", `document.querySelector("main .badge").textContent === "done"`)
	w.Follow("Not answered", "Nothing here.")

	w.Follow("Events", "message")
	browser.Eval[bool](w.Page, `(document.querySelector("select[name=kind]").value = "status", true)`)
	w.Follow("Filter", "No event matches.")
	w.Follow("No filter", "message")

	w.Follow("Configuration", "secretsDir")
	w.Follow("Doctor", "Run the checks")
	w.Follow("Run the checks", "failures")

	w.Follow("Conversations", "…4321")
	w.Follow("…4321", "Conversation with …4321")
	w.Follow("Erase the person's data", "This cannot be taken back.")
	w.Follow("Yes, do it", "The data of this person were erased.")
	w.Until("the person is gone", `!document.body.innerText.includes("…4321")`)

	w.Follow("Español", "Conversaciones")
	w.Follow("English", "Conversations")
}
