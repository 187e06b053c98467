// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"sync"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// rememberedPrices bounds the messages whose price is remembered.
const rememberedPrices = 8192

// priced remembers the messages whose price was counted last, in case Meta sends a price with both delivered and read.
type priced struct {
	mu    sync.Mutex
	known map[store.ID]struct{}
	ring  []store.ID
	next  int
}

// add reports whether a message is new.
func (p *priced) add(message store.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	if _, counted := p.known[message]; counted {
		return false
	}

	if p.known == nil {
		p.known = map[store.ID]struct{}{}
	}

	if len(p.ring) < rememberedPrices {
		p.ring = append(p.ring, message)
	} else {
		delete(p.known, p.ring[p.next])
		p.ring[p.next] = message
		p.next = (p.next + 1) % rememberedPrices
	}

	p.known[message] = struct{}{}

	return true
}
