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

// TestMissingPermissionStopsNoOtherNumber checks that a number whose account the token may not use delays only its own
// conversations. Conversations of another number do not wait, even behind many of these.
func TestMissingPermissionStopsNoOtherNumber(t *testing.T) {
	const people, refused = 20, "4200"

	for _, code := range []int{3, 10, 200, 131005} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				byDefault(c)
				c.CloudAPI.PhoneNumberIDs = append(c.CloudAPI.PhoneNumberIDs, refused)
			})
			fault := standin.GraphError(code, "", 0)
			fault.PathPrefix = "/" + refused + "/messages"
			id := h.Graph.Faults.Add(fault)
			h.start()

			for i := range people {
				h.deliver(http.StatusOK, standin.TextDelivery(refused, person(i), "Ana", fmt.Sprint("wamid.", i), "hello", time.Now()))
			}

			h.waitFor("the messages of the refused number wait", h.nothingDue)
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.other", "hello"))

			if sent := h.waitSent(1)[0]; sent.PhoneNumberID != number {
				t.Errorf("the answer is of number %s, want that of the other number", sent.PhoneNumberID)
			}

			before := len(h.Graph.Recorder.Calls(standin.On(http.MethodPost, "/"+refused)))
			h.pass(5*30*time.Second, 30*time.Second)

			if probes := len(h.Graph.Recorder.Calls(standin.On(http.MethodPost, "/"+refused))) - before; probes > 5 {
				t.Errorf("%d sends of the refused number in 5 periods, want one each", probes)
			}

			h.Graph.Faults.Remove(id)

			for len(h.Graph.Sent()) < people+1 {
				h.pass(10*time.Second, 10*time.Second)
			}

			if stats := h.stats(); stats.DeadLetters != 0 {
				t.Errorf("%d dead letters, want none", stats.DeadLetters)
			}
		})
	}
}

// TestMissingPermissionLooksUpOnePictureInEachPeriod checks that pictures whose look-up is refused for their number wait for the
// number together, as texts do whose send is refused.
func TestMissingPermissionLooksUpOnePictureInEachPeriod(t *testing.T) {
	const people, refused = 20, "4200"

	h := newHarness(t, func(c *config.Config) {
		byDefault(c)
		c.CloudAPI.PhoneNumberIDs = append(c.CloudAPI.PhoneNumberIDs, refused)
	})
	h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))

	fault := standin.GraphError(10, "", 0)
	fault.PathPrefix = "/500"
	id := h.Graph.Faults.Add(fault)
	h.start()

	for i := range people {
		image := map[string]any{"id": "500", "mime_type": "image/jpeg"}
		h.deliver(http.StatusOK, standin.MessageDelivery(refused, person(i), "P", fmt.Sprint("wamid.", i), "image", image, time.Now()))
	}

	h.waitFor("the pictures wait", h.nothingDue)

	lookUps := func() int { return len(h.Graph.Recorder.Calls(standin.On(http.MethodGet, "/500"))) }
	before, began := lookUps(), h.clock.Now()

	for range 5 {
		last := lookUps()

		h.pass(30*time.Second, time.Second)
		h.waitFor("a look-up", func() bool { return lookUps() > last })
	}

	// The clock also runs while the receiver works.
	if n, most := lookUps()-before, int(h.clock.Since(began)/(30*time.Second))+1; n > most {
		t.Errorf("%d look-ups, want one in each period: at most %d", n, most)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.other", "hello"))

	if sent := h.waitSent(1)[0]; sent.PhoneNumberID != number {
		t.Errorf("the answer is of number %s, want that of the other number", sent.PhoneNumberID)
	}

	h.Graph.Faults.Remove(id)

	for len(h.Graph.Sent()) < people+1 {
		h.pass(10*time.Second, 10*time.Second)
	}

	if stats := h.stats(); stats.DeadLetters != 0 {
		t.Errorf("%d dead letters, want none", stats.DeadLetters)
	}
}
