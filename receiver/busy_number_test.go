// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestBusyNumberDelaysNoOther checks that a number with more messages than its rate limit allows delays only its own
// conversations. At this rate the busy number needs more than a minute.
func TestBusyNumberDelaysNoOther(t *testing.T) {
	const capacity, busy, other = 4, 200, "4200"

	h := newHarness(t, func(c *config.Config) {
		c.CloudAPI.PhoneNumberIDs = append(c.CloudAPI.PhoneNumberIDs, other)
		c.CloudAPI.MessagesPerSecond = 2
		c.Processing.Concurrency = capacity
	})
	h.start()

	for i := range busy {
		h.deliver(http.StatusOK, textDelivery(fmt.Sprintf("57300000%04d", i), standin.Wamid(fmt.Sprint(i)), "hello"))
	}

	h.deliver(http.StatusOK, standin.TextDelivery(other, "573009999999", "Ana", standin.Wamid("other"), "hello", time.Now()))

	before := busy
	h.waitFor("the other number has answered", func() bool {
		sent := h.Graph.Sent()
		for i, message := range sent {
			if message.PhoneNumberID == other {
				before = i
				return true
			}
		}

		return false
	})

	if before > busy-capacity {
		t.Errorf("%d of %d answers of the busy number were sent before the answer of the other number", before, busy)
	}

	h.reconfigure(func(c *config.Config) { c.CloudAPI.MessagesPerSecond = 1000 })

	answered := map[string]int{}
	for _, message := range h.waitSent(busy + 1) {
		answered[message.To]++
	}

	h.waitIdle()

	if len(answered) != busy+1 {
		t.Errorf("%d people got answers, want %d", len(answered), busy+1)
	}

	if sent := h.Graph.Sent(); len(sent) != busy+1 {
		t.Errorf("%d answers were sent, want %d", len(sent), busy+1)
	}
}
