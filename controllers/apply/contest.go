// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Two operators that serve the same resource write with the same field manager, and each reverts the other: pods would be
// replaced endlessly.
const (
	// contestWrites is the number of writes of another operator from which on they are a contest. Fewer are reverted at once.
	contestWrites = 3
	// contestDelay is the time between two attempts to revert a write of the other operator.
	contestDelay = 5 * time.Minute
	// contestEnd is the time without a write of the other operator after which the contest has ended.
	contestEnd = 2 * contestDelay
)

// contest counts the writes of another operator to the objects of one owner.
type contest struct {
	writes   int
	seen     time.Time // the last write
	reverted time.Time
	object   string // that was written last
}

func (c contest) holds(now time.Time) bool {
	return c.writes >= contestWrites && now.Sub(c.seen) < contestEnd
}

// Contested returns the object of the owner that another operator wrote last, if another operator writes repeatedly.
func (a *Applier) Contested(owner client.ObjectKey) (object string, contested bool) {
	c := a.memory.contest(owner)

	return c.object, c.holds(a.clock.Now())
}

// overwritten counts a write of another operator.
func (a *Applier) overwritten(owner client.ObjectKey, object string) {
	c := a.memory.contest(owner)
	if a.clock.Since(c.seen) >= contestEnd {
		c.writes = 0
	}

	c.writes++
	c.seen = a.clock.Now()
	c.object = object
	a.memory.setContest(owner, c)
}

// mayRevert reports whether a write of another operator may be reverted now.
func (a *Applier) mayRevert(owner client.ObjectKey) bool {
	c := a.memory.contest(owner)
	now := a.clock.Now()

	if c.holds(now) && now.Sub(c.reverted) < contestDelay {
		return false
	}

	c.reverted = now
	a.memory.setContest(owner, c)

	return true
}
