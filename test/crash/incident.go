// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"time"
)

// kind is the kind of an incident.
type kind string

const (
	killed    kind = "kill"    // SIGKILL; it is started again
	stalled   kind = "stall"   // SIGSTOP for longer than its leases last, then SIGCONT
	restarted kind = "restart" // SIGTERM; it is started again
)

// incident is planned for one replica.
type incident struct {
	kind  kind
	after time.Duration // after the end of the one before
	lasts time.Duration // until the process is started again, or continued
	// early, if not zero, is the time after that start at which the process is killed once more: while it migrates, reads its
	// configuration or claims its first work.
	early time.Duration
}

// earlyShare of the kills hit a starting process.
const (
	earlyShare   = 0.2
	longestEarly = 300 * time.Millisecond
	longestDown  = 400 * time.Millisecond
)

// plan spreads kills, stalls and restarts of one replica over span, in random order at random moments.
func plan(rng *rand.Rand, kills, stalls, restarts int, lease, longestStall, span time.Duration) []incident {
	var all []incident
	for kills > 0 {
		i := incident{kind: killed, lasts: upTo(rng, longestDown)}

		kills--
		if kills > 0 && rng.Float64() < earlyShare {
			i.early = 1 + upTo(rng, longestEarly)
			kills--
		}

		all = append(all, i)
	}

	for range stalls {
		least := lease * 5 / 4 // so that others have taken over
		all = append(all, incident{kind: stalled, lasts: least + upTo(rng, longestStall-least)})
	}

	for range restarts {
		all = append(all, incident{kind: restarted, lasts: upTo(rng, longestDown)})
	}

	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })

	quiet := span
	for _, i := range all {
		quiet -= i.lasts + i.early
	}

	for i := range all {
		all[i].after = upTo(rng, 2*max(quiet, 0)/time.Duration(len(all)))
	}

	return all
}

func upTo(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(max(most, 0)) + 1))
}
