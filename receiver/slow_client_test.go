// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
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

// Honest clients are served while more slow clients hang than the receiver has connections for.
func TestHonestAmongSlowClients(t *testing.T) {
	const (
		slow = 700
		most = 512 // the receiver's bound
	)

	const post = "POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=00\r\n"
	for name, text := range map[string]func(i int) string{
		"that say nothing":          func(int) string { return "" },
		"that never end a header":   func(i int) string { return post + fmt.Sprintf("X-%d: ", i) },
		"that announce and wait":    func(int) string { return post + fmt.Sprintf("Content-Length: %d\r\n\r\n{", 4<<20) },
		"that send chunks and wait": func(int) string { return post + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n" },
		"that read no answer":       func(int) string { return strings.Repeat("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", 3) },
		"that were served and stay": func(int) string { return "GET /health HTTP/1.1\r\nHost: x\r\n\r\n" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, nil)
			h.start()

			crowd := newCrowd(h)
			defer crowd.leave()

			for i := range slow {
				crowd.join(text(i))
			}

			h.waitFor("surplus slow connections closed", func() bool { return crowd.evicted() >= slow-most })

			for i := range 20 {
				began := time.Now()

				h.deliver(http.StatusOK, textOf(i))

				if took := time.Since(began); took > waitLimit/4 {
					t.Errorf("an honest delivery took %v", took)
				}

				crowd.join(text(slow + i))
			}

			if code, _ := h.adminPage("/readyz"); code != http.StatusOK {
				t.Errorf("GET /readyz = %d, want 200", code)
			}

			h.waitIdle()
		})
	}
}

// A large body that never ends takes memory from other large bodies, but not from small ones.
func TestHonestAmongLargeBodies(t *testing.T) {
	const memory = 1 << 20

	h := newHarness(t, func(c *config.Config) {
		c.Webhook.MaxBodyBytes = memory
		c.Webhook.MaxInFlightBytes = memory
	})
	h.start()

	crowd := newCrowd(h)
	defer crowd.leave()

	endless := fmt.Sprintf("POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", memory) + strings.Repeat(" ", memory-1)
	crowd.join(endless)

	joined := int64(1)
	large := fmt.Appendf(nil, `{"object":%q}`, strings.Repeat("x", 64<<10))
	h.waitFor("memory is used up", func() bool {
		if crowd.evicted() == joined { // it came while there was another large one
			crowd.join(endless)

			joined++
		}

		status, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), folder.AppSecret, large)

		return err == nil && status == http.StatusServiceUnavailable
	})

	for i := range 20 {
		h.deliver(http.StatusOK, textOf(i))
	}

	crowd.leave()
	h.waitFor("memory is free again", func() bool {
		status, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), folder.AppSecret, large)
		return err == nil && status == http.StatusOK
	})
	h.waitIdle()
}

// Announced bodies reserve no memory: more clients announce the largest body than memory could hold.
func TestAnnouncedBodiesReserveNoMemory(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	crowd := newCrowd(h)
	defer crowd.leave()

	for range 100 {
		crowd.join(fmt.Sprintf("POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{", 4<<20))
	}

	h.deliver(http.StatusOK, fmt.Appendf(nil, `{"object":%q}`, strings.Repeat("x", 3<<20)))
	h.waitIdle()
}

func textOf(i int) []byte {
	return textDelivery(fmt.Sprintf("57300%07d", i), standin.Wamid(fmt.Sprint("honest-", i)), "hello")
}

// crowd is a group of clients that send something and then wait until the receiver closes their connections.
type crowd struct {
	h       *harness
	closed  atomic.Int64
	leaving atomic.Bool
	mu      sync.Mutex
	conns   []net.Conn
	waiting sync.WaitGroup
}

func newCrowd(h *harness) *crowd { return &crowd{h: h} }

func (c *crowd) join(text string) {
	c.h.t.Helper()

	var dialer net.Dialer

	conn, err := dialer.DialContext(c.h.t.Context(), "tcp", c.h.Local.WebhookAddr())
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
			// It reads nothing, and notices the closed connection only when it writes again.
			for range time.Tick(50 * time.Millisecond) {
				if _, err := io.WriteString(conn, "GET"); err != nil {
					break
				}
			}
		}

		if !c.leaving.Load() {
			c.closed.Add(1)
		}
	})
}

func (c *crowd) evicted() int64 { return c.closed.Load() }

func (c *crowd) leave() {
	c.leaving.Store(true)
	c.mu.Lock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.mu.Unlock()
	c.waiting.Wait()
}
