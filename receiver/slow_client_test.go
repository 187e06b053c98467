// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestDeliveriesDespiteSlowClients checks that deliveries are accepted while more slow clients are connected than the
// receiver allows connections.
func TestDeliveriesDespiteSlowClients(t *testing.T) {
	const (
		slow  = 700
		limit = 512 // the receiver's connection limit
	)

	const post = "POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=00\r\n"
	for name, text := range map[string]func(i int) string{
		"nothing sent":         func(int) string { return "" },
		"endless header":       func(i int) string { return post + fmt.Sprintf("X-%d: ", i) },
		"incomplete body":      func(int) string { return post + fmt.Sprintf("Content-Length: %d\r\n\r\n{", 4<<20) },
		"incomplete chunks":    func(int) string { return post + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n" },
		"unread answers":       func(int) string { return strings.Repeat("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", 3) },
		"idle after an answer": func(int) string { return "GET /health HTTP/1.1\r\nHost: x\r\n\r\n" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, nil)
			h.start()

			clients := newSlowClients(h)
			defer clients.close()

			for i := range slow {
				clients.connect(text(i))
			}

			h.waitFor("surplus slow connections closed", func() bool { return clients.evicted() >= slow-limit })

			for i := range 20 {
				began := time.Now()

				h.deliver(http.StatusOK, textOf(i))

				if took := time.Since(began); took > waitLimit/4 {
					t.Errorf("a delivery took %v", took)
				}

				clients.connect(text(slow + i))
			}

			if code, _ := h.adminPage("/readyz"); code != http.StatusOK {
				t.Errorf("GET /readyz = %d, want 200", code)
			}

			h.waitIdle()
		})
	}
}

// TestSmallDeliveriesDespiteLargeBodies checks that an endless large body takes memory from other large bodies, but not
// from small ones.
func TestSmallDeliveriesDespiteLargeBodies(t *testing.T) {
	const memory = 1 << 20

	h := newHarness(t, func(c *config.Config) {
		c.Webhook.MaxBodyBytes = memory
		c.Webhook.MaxInFlightBytes = memory
	})
	h.start()

	clients := newSlowClients(h)
	defer clients.close()

	endless := fmt.Sprintf("POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", memory) + strings.Repeat(" ", memory-1)
	clients.connect(endless)

	connected := int64(1)
	large := fmt.Appendf(nil, `{"object":%q}`, strings.Repeat("x", 64<<10))
	h.waitFor("memory is used up", func() bool {
		if clients.evicted() == connected { // it arrived while another large body used the memory
			clients.connect(endless)

			connected++
		}

		status, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), folder.AppSecret, large)

		return err == nil && status == http.StatusServiceUnavailable
	})

	for i := range 20 {
		h.deliver(http.StatusOK, textOf(i))
	}

	clients.close()
	h.waitFor("memory is free again", func() bool {
		status, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), folder.AppSecret, large)
		return err == nil && status == http.StatusOK
	})
	h.waitIdle()
}

// TestAnnouncedBodiesReserveNoMemory announces more bodies of the maximum size than fit into the memory limit.
func TestAnnouncedBodiesReserveNoMemory(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	clients := newSlowClients(h)
	defer clients.close()

	for range 100 {
		clients.connect(fmt.Sprintf("POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{", 4<<20))
	}

	h.deliver(http.StatusOK, fmt.Appendf(nil, `{"object":%q}`, strings.Repeat("x", 3<<20)))
	h.waitIdle()
}

func textOf(i int) []byte {
	return textDelivery(fmt.Sprintf("57300%07d", i), standin.Wamid(fmt.Sprint("valid-", i)), "hello")
}

// slowClients are clients that send something and then wait until the receiver closes their connections.
type slowClients struct {
	h       *harness
	address string // defaults to the webhook port
	closed  atomic.Int64
	closing atomic.Bool
	mu      sync.Mutex
	conns   []net.Conn
	waiting sync.WaitGroup
}

func newSlowClients(h *harness) *slowClients { return &slowClients{h: h} }

func (c *slowClients) connect(text string) {
	c.h.t.Helper()

	var dialer net.Dialer

	conn, err := dialer.DialContext(c.h.t.Context(), "tcp", cmp.Or(c.address, c.h.Local.WebhookAddr()))
	if err != nil {
		c.h.t.Fatal(err)
	}

	c.mu.Lock()
	c.conns = append(c.conns, conn)
	c.mu.Unlock()
	c.waiting.Go(func() {
		if _, err := io.WriteString(conn, text); err == nil && !strings.Contains(text, "/health HTTP/1.1\r\nHost: x\r\n\r\nGET") {
			_, _ = io.Copy(io.Discard, conn)
		} else if err == nil {
			// A client that reads nothing notices the closed connection only when it writes again.
			for range time.Tick(50 * time.Millisecond) {
				if _, err := io.WriteString(conn, "GET"); err != nil {
					break
				}
			}
		}

		if !c.closing.Load() {
			c.closed.Add(1)
		}
	})
}

func (c *slowClients) evicted() int64 { return c.closed.Load() }

func (c *slowClients) close() {
	c.closing.Store(true)
	c.mu.Lock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.mu.Unlock()
	c.waiting.Wait()
}
