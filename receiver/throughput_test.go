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

// A number that is written to more than it may answer holds up nobody but those who wrote to it.
func TestBusyNumberHoldsUpNoOther(t *testing.T) {
	const places, busy, other = 4, 12, "4200"

	w := newWorld(t, func(c *config.Config) {
		c.CloudAPI.PhoneNumberIDs = append(c.CloudAPI.PhoneNumberIDs, other)
		c.CloudAPI.MessagesPerSecond = 2
		c.Processing.Concurrency = places
	})
	w.start()

	for i := range busy {
		w.deliver(http.StatusOK, text(fmt.Sprintf("57300000%04d", i), standin.Wamid(fmt.Sprint(i)), "hello"))
	}

	w.deliver(http.StatusOK, standin.TextDelivery(other, "573009999999", "Ana", standin.Wamid("other"), "hello", time.Now()))

	before := busy
	w.until("the other number has answered", func() bool {
		sent := w.graph.Sent()
		for i, message := range sent {
			if message.PhoneNumberID == other {
				before = i
				return true
			}
		}

		return false
	})

	if before > busy-places {
		t.Errorf("%d of %d answers of the busy number went before the one of the other", before, busy)
	}

	answered := map[string]int{}
	for _, message := range w.sent(busy + 1) {
		answered[message.To]++
	}

	w.quiet()

	if len(answered) != busy+1 {
		t.Errorf("%d people got answers, want %d", len(answered), busy+1)
	}

	if sent := w.graph.Sent(); len(sent) != busy+1 {
		t.Errorf("%d answers were sent, want %d", len(sent), busy+1)
	}
}
