// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// maxWaiting is the number of messages that may wait in one conversation. Meta takes one every 6 seconds from one phone
	// number to one person, and 45 at once at the expense of later ones.
	//
	// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
	maxWaiting = 100
	// maxPending is the number of pending events of all conversations from which on no message is stored: it would wait too
	// long.
	maxPending = 100_000
	// statsAge is how long a count of the pending events is used.
	statsAge = time.Second
)

// backlog bounds the messages that wait to be sent.
type backlog struct {
	mu      sync.Mutex
	pending int64
	countAt time.Time
}

// check refuses a message to a conversation if too many wait already.
func (b *backlog) check(ctx context.Context, from Store, name string, now time.Time) error {
	waiting, err := from.Backlog(ctx, name, maxWaiting)
	if err != nil {
		return err
	}

	if waiting >= maxWaiting {
		return tooMany("too many messages wait to be sent in this conversation")
	}

	b.mu.Lock()
	defer b.mu.Unlock()

	if age := now.Sub(b.countAt); b.countAt.IsZero() || age < 0 || age >= statsAge {
		stats, err := from.Stats(ctx, now)
		if err != nil {
			return fmt.Errorf("count the pending events: %w", err)
		}

		b.pending = stats.Pending
		b.countAt = now
	}

	if b.pending >= maxPending {
		return tooMany("too many messages wait to be sent")
	}

	return nil
}
