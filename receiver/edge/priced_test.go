// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"strconv"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestPricedIsBounded(t *testing.T) {
	var p pricedMessages

	id := func(n int) store.ID { return store.NewID(store.KindStatus, strconv.Itoa(n)) }

	for n := range 3 * maxPricedMessages {
		if !p.add(id(n)) {
			t.Fatalf("message %d counts as known", n)
		}

		if p.add(id(n)) {
			t.Fatalf("message %d counts twice", n)
		}
	}

	if len(p.known) != maxPricedMessages || len(p.ring) != maxPricedMessages {
		t.Errorf("%d messages are remembered in a ring of %d, want %d", len(p.known), len(p.ring), maxPricedMessages)
	}

	if !p.add(id(0)) || p.add(id(3*maxPricedMessages-1)) {
		t.Error("the oldest message is remembered, or the newest is not")
	}
}
