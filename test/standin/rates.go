// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"sync"
	"time"
)

const (
	// pairInterval is how often a phone number may send to one person on average, pairBurst how many messages in advance.
	pairInterval = 6 * time.Second
	pairBurst    = 45
)

// rates count messages for the rules Throughput and PairRate.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform and
// https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
type rates struct {
	mu      sync.Mutex
	numbers bounded[second]
	// pairs has the time at which each pair has its whole burst again.
	pairs bounded[time.Time]
}

// second is how many messages a phone number has sent within one second.
type second struct {
	began time.Time
	sent  int
}

// take counts a message, or returns the error of the limit that it exceeds.
func (r *rates) take(rules Rules, number, recipient string, now time.Time) *problem {
	r.mu.Lock()
	defer r.mu.Unlock()

	current := r.numbers.entries[number]
	if now.Sub(current.began) >= time.Second {
		current = second{began: now}
	}

	if rules.Throughput > 0 && current.sent >= rules.Throughput {
		return refused(130429, "Message failed to send because there were too many messages sent from this phone number in a short period of time")
	}

	pair := number + "|" + recipient

	full := r.pairs.entries[pair]
	if full.Before(now) {
		full = now
	}

	if rules.PairRate && full.Sub(now) > (pairBurst-1)*pairInterval {
		return refused(131056, "Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time")
	}

	current.sent++
	r.numbers.put(number, current)
	r.pairs.put(pair, full.Add(pairInterval))

	return nil
}
