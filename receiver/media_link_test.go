// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

func byLink(c *config.Config) {
	withoutTyping(c)
	c.Bird.Media.Transport = config.TransportURL
	c.Webhook.PublicURL = "https://unknown.example"
}

// startWithLinks starts a receiver whose links lead to its own webhook port.
func (h *harness) startWithLinks() {
	h.t.Helper()
	h.start()

	public, err := url.Parse(h.Local.WebhookURL())
	if err != nil {
		h.t.Fatal(err)
	}

	h.reconfigure(func(c *config.Config) { c.Webhook.PublicURL = "http://" + public.Host })
}

func (h *harness) deliverPhoto(id string) {
	h.t.Helper()
	h.deliver(http.StatusOK, messageDelivery(id, "image", map[string]any{"id": "500", "mime_type": "image/jpeg"}))
}

// get answers the status and the body of a request to a link.
func (h *harness) get(method, link string) (int, []byte) {
	h.t.Helper()

	request, err := http.NewRequestWithContext(h.t.Context(), method, link, http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}

	response, err := h.client.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}

	return response.StatusCode, body
}

// downloads returns how often a file was downloaded from Meta.
func (h *harness) downloads() int {
	n := 0

	for _, call := range h.Graph.Recorder.Calls() {
		if strings.HasPrefix(call.Path, "/whatsapp_business/attachments/") {
			n++
		}
	}

	return n
}

// spooled returns the files in the spool.
func (h *harness) spooled() []os.DirEntry {
	h.t.Helper()

	files, err := os.ReadDir(h.Config.Media.SpoolDir)
	if err != nil {
		h.t.Fatal(err)
	}

	return files
}

func linkOf(payload map[string]any) string {
	media, _ := payload["media"].(map[string]any)
	link, _ := media["url"].(string)

	return link
}

// TestMediaByLink has the stand-in of the AI fetch the file behind the link, while it is asked. It checks the size, the
// SHA-256 and the type.
func TestMediaByLink(t *testing.T) {
	for name, adjust := range map[string]func(*config.Config){
		"contract": byLink,
		"flow":     func(c *config.Config) { byLink(c); withFlow(c) },
		"flow, above the limit of its bodies": func(c *config.Config) {
			byLink(c)
			withFlow(c)
			c.Bird.Media.Transport = config.TransportAuto
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, adjust)
			h.Graph.PutMedia("500", "image/jpeg", bytes.Repeat([]byte("photo"), 100_000))
			h.startWithLinks()
			h.deliverPhoto("wamid.1")
			h.waitSent(1)

			asked := append(h.birdRequests(), h.Flow.Asked()...)[0]
			if asked.MediaBytes != 500_000 || linkOf(asked.Payload) == "" || asked.Payload["image_data"] != nil {
				t.Errorf("asked with %d bytes, media %v", asked.MediaBytes, asked.Payload["media"])
			}

			if n := h.downloads(); n != 1 {
				t.Errorf("the file was downloaded %d times from Meta, want once", n)
			}

			// A request is counted after its answer.
			h.waitFor("the link to be counted", func() bool {
				_, page := h.adminPage("/metrics")
				return strings.Contains(page, `whatsapp_media_link_requests_total{result="served"} 1`)
			})
		})
	}
}

func TestLinkAfterTheAnswer(t *testing.T) {
	h := newHarness(t, byLink)
	h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
	h.startWithLinks()
	h.deliverPhoto("wamid.1")
	h.waitSent(1)
	h.waitIdle()

	link := linkOf(h.birdRequests()[0].Payload)

	for range 2 {
		if status, body := h.get(http.MethodGet, link); status != http.StatusOK || string(body) != "photo" {
			t.Errorf("GET = %d %q, want the photo from Meta again", status, body)
		}
	}

	if status, body := h.get(http.MethodHead, link); status != http.StatusOK || len(body) != 0 {
		t.Errorf("HEAD = %d %q", status, body)
	}

	h.writeSecret(config.RoleAppSecret, "1", "the next app secret")
	h.Local.Live.Reload()

	if status, _ := h.get(http.MethodGet, link); status != http.StatusOK {
		t.Errorf("during the rotation of the app secret: %d", status)
	}

	for name, wrong := range map[string]string{
		"another token": link[:len(link)-4] + "AAAA",
		"no token":      link[:strings.LastIndex(link, "/")+1],
	} {
		if status, body := h.get(http.MethodGet, wrong); status != http.StatusNotFound || !bytes.Contains(body, []byte("not found")) {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}

	if files := h.spooled(); len(files) != 0 {
		t.Errorf("%d files are left in the spool", len(files))
	}

	h.clock.Advance(15 * time.Minute)

	if status, _ := h.get(http.MethodGet, link); status != http.StatusNotFound {
		t.Errorf("after 15 minutes: %d, want 404", status)
	}
}

// TestDeskGetsALink lets people fetch a file that came while they had the conversation.
func TestDeskGetsALink(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { byLink(c); withDesk(c) })
	h.reply = handsOffForReason
	h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
	h.startWithLinks()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "I want to complain"))
	h.waitSent(1)
	h.deliverPhoto("wamid.2")

	link := linkOf(h.waitDesk(2)[1].Payload)
	if status, body := h.get(http.MethodGet, link); status != http.StatusOK || string(body) != "photo" {
		t.Errorf("GET %q = %d %q, want the photo", link, status, body)
	}
}
