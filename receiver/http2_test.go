// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// overHTTP2 returns a client that speaks HTTP/2 without TLS, as some proxies do.
func (h *harness) overHTTP2() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)

	transport := &http.Transport{Protocols: protocols}
	h.t.Cleanup(transport.CloseIdleConnections)

	return &http.Client{Transport: transport, Timeout: waitLimit}
}

// call makes a signed request to the webhook port and returns the answer with its body.
func (h *harness) call(
	client *http.Client,
	method, path string,
	body []byte,
	header map[string]string,
) (*http.Response, string) {
	h.t.Helper()

	request, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.Local.WebhookAddr()+path, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}

	request.Header.Set("X-Hub-Signature-256", standin.Sign(folder.AppSecret, body))

	for key, value := range header {
		request.Header.Set(key, value)
	}

	response, err := client.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()

	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}

	return response, string(text)
}

func TestDeliveriesByHTTP2(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	client := h.overHTTP2()

	for target, want := range map[string]int{
		"GET /":                  http.StatusOK,
		"GET /webhooks/whatsapp": http.StatusForbidden,
		"PUT /webhooks/whatsapp": http.StatusMethodNotAllowed,
	} {
		method, path, _ := strings.Cut(target, " ")
		if response, _ := h.call(client, method, path, nil, nil); response.StatusCode != want || response.ProtoMajor != 2 {
			t.Errorf("%s answered %d by %s, want %d by HTTP/2", target, response.StatusCode, response.Proto, want)
		}
	}

	response, _ := h.call(client, http.MethodPost, "/webhooks/whatsapp", make([]byte, 4<<20+1), nil)
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over the limit answered %d, want 413", response.StatusCode)
	}

	response, _ = h.call(client, http.MethodPost, "/webhooks/whatsapp", textDelivery(ana, "wamid.1", "hello"), nil)
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		t.Errorf("a delivery answered %d by %s, want 200 by HTTP/2", response.StatusCode, response.Proto)
	}

	h.waitSent(1)
}

// TestManyDeliveriesOverOneConnection delivers more at once than a connection may carry: the rest waits for its turn.
func TestManyDeliveriesOverOneConnection(t *testing.T) {
	const deliveries = 200

	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)

		c.CloudAPI.MessagesPerSecond = 10_000
	})
	h.start()

	client := h.overHTTP2()

	var all sync.WaitGroup
	for range deliveries {
		all.Go(func() {
			body := textDelivery(ana, standin.Wamid("1"), "hello")

			status, answer, err := standin.Deliver(t.Context(), client, h.Local.WebhookURL(), folder.AppSecret, body)
			if err != nil || status != http.StatusOK {
				t.Errorf("answered %d %q (%v), want 200", status, answer, err)
			}
		})
	}

	all.Wait()
}

// TestShutdownEndsHTTP2 checks that an open connection does not delay the end of the receiver.
func TestShutdownEndsHTTP2(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	client := h.overHTTP2()
	h.call(client, http.MethodPost, "/webhooks/whatsapp", textDelivery(ana, "wamid.1", "hello"), nil)
	h.waitSent(1)
	h.stop()
}

func TestLoadBalancersAreAnswered(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	for _, method := range []string{http.MethodGet, http.MethodHead} {
		response, body := h.call(h.client, method, "/", nil, nil)
		if response.StatusCode != http.StatusOK || body != "" {
			t.Errorf("%s / answered %d %q, want 200 without a body", method, response.StatusCode, body)
		}

		for key := range response.Header {
			if key != "Date" && key != "Content-Length" {
				t.Errorf("%s / answered the header %s", method, key)
			}
		}
	}
}

func TestIdentityIsNoEncoding(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	response, answer := h.call(h.client, http.MethodPost, "/webhooks/whatsapp", textDelivery(ana, "wamid.1", "hello"),
		map[string]string{"Content-Encoding": "identity"})
	if response.StatusCode != http.StatusOK {
		t.Fatalf("answered %d %q, want 200", response.StatusCode, answer)
	}

	h.waitSent(1)
}
