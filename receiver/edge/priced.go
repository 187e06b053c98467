// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"sync"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxPricedMessages bounds the messages whose price is remembered.
const maxPricedMessages = 8192

// pricedMessages holds the messages whose price was counted last: Meta may send a price with both delivered and read.
type pricedMessages struct {
	mu    sync.Mutex
	known map[store.ID]struct{}
	ring  []store.ID
	next  int
}

// add reports whether a message is new.
func (p *pricedMessages) add(message store.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	if _, counted := p.known[message]; counted {
		return false
	}

	if p.known == nil {
		p.known = map[store.ID]struct{}{}
	}

	if len(p.ring) < maxPricedMessages {
		p.ring = append(p.ring, message)
	} else {
		delete(p.known, p.ring[p.next])
		p.ring[p.next] = message
		p.next = (p.next + 1) % maxPricedMessages
	}

	p.known[message] = struct{}{}

	return true
}
