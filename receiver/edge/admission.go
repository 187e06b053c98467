// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"sync"
	"time"
)

const (
	// mostInHand deliveries wait for the store at a time. It is as many as share a transaction, and half of the
	// connections: the other half is there to be told soon that there is no room.
	mostInHand = 256
	// longestWait is how long a delivery may have to wait for the store while it is worth waiting.
	longestWait = 500 * time.Millisecond
	// fewestInHand are let in however long the wait, to find out that it has become short.
	fewestInHand = 16
)

// admission decides which deliveries are stored when more come than can be stored in time. One that is put off at once
// costs next to nothing and is sent again; one that waits for long is sent again too, while it still waits.
type admission struct {
	mu     sync.Mutex
	inHand int
	took   time.Duration // of the last delivery that left
	left   time.Time     // when that was, or when the first of those in hand came after it
}

// enter says whether a delivery may wait for the store, and then leave has to be called.
func (a *admission) enter(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()

	if a.inHand >= mostInHand || a.inHand >= fewestInHand && max(a.took, now.Sub(a.left)) > longestWait {
		return false
	}

	if a.inHand == 0 {
		a.left = now
	}

	a.inHand++

	return true
}

// leave is called when a delivery that entered so long ago is stored, or will not be.
func (a *admission) leave(now, entered time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()

	a.inHand--
	a.took = now.Sub(entered)
	a.left = now
}
