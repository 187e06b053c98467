// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestDrainFinishesInFlightWork(t *testing.T) {
	h := newHarness(t, nil)
	asked, answer := h.holdAnswer(standin.EchoReply)
	h.start()
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "hello"))
	<-asked
	h.Local.Drain()
	h.waitFor("draining is reported", func() bool {
		code, body := h.adminPage("/readyz")
		return code == 503 && strings.Contains(body, "shutting down")
	})
	close(answer)
	h.stop()

	if got := len(h.Graph.Sent()); got != 1 {
		t.Errorf("%d messages were sent, want the one in flight", got)
	}
}

func TestDrainReleasesSlowWork(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { c.Shutdown.DrainTimeout = 50 * time.Millisecond })
	asked := make(chan struct{})
	answer := make(chan struct{})

	var once sync.Once

	h.reply = func(method string, request map[string]any) any {
		once.Do(func() { close(asked); <-answer })
		return standin.EchoReply(method, request)
	}
	h.start()

	message := standin.Wamid("1")
	h.deliver(http.StatusOK, textDelivery("573001234567", message, "hello"))
	<-asked
	h.stop()
	close(answer)
	h.waitFor("first call to Bird ended", func() bool { return h.Bird.Recorder.Total() == 1 })
	h.start()
	h.waitSent(1)
	h.waitIdle()

	if got := h.record(message); got.Attempts != 0 {
		t.Errorf("attempts = %d; an interrupted attempt does not count", got.Attempts)
	}
}

func TestRestartContinuesPendingWork(t *testing.T) {
	h := newHarness(t, nil)
	h.Bird.Faults.Add(standin.Fault{Status: 401})
	h.start()

	message := standin.Wamid("1")
	h.deliver(http.StatusOK, textDelivery("573001234567", message, "hello"))
	h.waitFor("a problem is reported", func() bool { return len(h.status().Problems) == 1 })
	h.stop()
	h.Bird.Faults.Clear()
	h.start()
	h.waitSent(1)
	h.waitIdle()

	if got := h.record(message); got.Attempts != 0 || len(got.Failures) == 0 {
		t.Errorf("attempts = %d, failures = %d; a refused key spends no attempt, but is recorded", got.Attempts, len(got.Failures))
	}

	if got := h.status().Problems; len(got) != 0 {
		t.Errorf("problems = %v, want none after the recovery", got)
	}
}
