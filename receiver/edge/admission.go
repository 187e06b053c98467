// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

const (
	// maxInFlight bounds the deliveries that wait for the store at the same time. It equals the size of a group commit,
	// and half the number of connections: the other half is free to be answered 503 at once.
	maxInFlight = groupcommit.MaxBatch
	// minInFlight deliveries are always admitted, to detect that the store is fast again.
	minInFlight = 16
	// maxWait is the longest expected wait for the store at which maxInFlight deliveries are admitted. Meta waits several
	// seconds for an answer. With longer waits, fewer are admitted in proportion.
	maxWait = 3 * time.Second
)

// admission sheds load: it decides which deliveries may wait for the store when more arrive than the store accepts. An
// immediate refusal is cheap, and Meta redelivers the delivery. Meta also redelivers a delivery that waits too long, while it
// still waits.
type admission struct {
	mu          sync.Mutex
	inFlight    int
	lastWait    time.Duration // of the delivery that was released last
	lastRelease time.Time     // the time of the last release, or of the first acquire after idle
}

// acquire reports whether a delivery may wait for the store. After true the caller has to call release.
func (a *admission) acquire(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()

	wait := max(a.lastWait, now.Sub(a.lastRelease))
	if a.inFlight >= limitFor(wait) {
		return false
	}

	if a.inFlight == 0 {
		a.lastRelease = now
	}

	a.inFlight++

	return true
}

// limitFor returns the number of deliveries that may wait at the same time at an expected wait.
func limitFor(wait time.Duration) int {
	if wait <= maxWait {
		return maxInFlight
	}

	return max(int(maxInFlight*maxWait/wait), minInFlight)
}

// release ends the wait of a delivery that was admitted at acquired, whether it was stored or not.
func (a *admission) release(now, acquired time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()

	a.inFlight--
	a.lastWait = now.Sub(acquired)
	a.lastRelease = now
}
